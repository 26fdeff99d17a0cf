"""Lesson 01: its parameters, its checkers, its figures."""
