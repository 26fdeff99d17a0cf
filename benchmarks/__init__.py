"""Measurements of speed, memory and quality; nothing here is asserted by a timer."""
