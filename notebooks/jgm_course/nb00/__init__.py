"""Lesson 00: its parameters, its checkers, its figures."""
