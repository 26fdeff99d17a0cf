"""Lesson 11: its parameters, its checkers, its figures."""
