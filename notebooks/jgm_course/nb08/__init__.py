"""Lesson 09: its parameters, its checkers, its figures."""
