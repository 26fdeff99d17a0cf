"""Longer code of single lessons, one module a lesson: `nbNN`."""
