"""Tracks in, events out: the rules."""
