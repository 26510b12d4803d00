"""Overlays drawn on pictures; this room writes no file."""
