"""Photographs: read from any file, brought to full size, their borders found, written back."""

from .read import Photo, read_photo

__all__ = ["Photo", "read_photo"]
