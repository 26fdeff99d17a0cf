"""Lesson 04: its parameters, its checkers, its figures."""
