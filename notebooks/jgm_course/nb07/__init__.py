"""Lesson 08: its parameters, its checkers, its figures."""
