"""The desktop application; the only room that knows Qt."""
