"""Composition: channels, slots, workers, the camera step, file and live layouts, the session."""
