"""Lesson 07: its parameters, its checkers, its figures."""
