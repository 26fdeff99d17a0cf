"""Lesson 12: its parameters, its checkers, its figures."""
