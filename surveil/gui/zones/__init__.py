"""Zones, lines and masks, drawn with the mouse on the live picture."""
