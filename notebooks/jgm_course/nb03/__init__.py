"""Lesson 03: its parameters, its checkers, its figures."""
