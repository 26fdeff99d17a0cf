"""Lesson 10: its parameters, its checkers, its figures."""
