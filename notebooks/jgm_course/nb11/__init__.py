"""Lesson 06: its parameters, its checkers, its figures."""
