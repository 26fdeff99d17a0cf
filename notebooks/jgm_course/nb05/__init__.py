"""Lesson 05: its parameters, its checkers, its figures."""
