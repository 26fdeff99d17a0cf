"""Packed sets, procedural scenes and the photographs inside installed packages."""
