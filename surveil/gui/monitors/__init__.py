"""Further windows with cameras, for further screens."""
