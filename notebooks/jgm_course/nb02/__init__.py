"""Lesson 02: its parameters, its checkers, its figures."""
