"""The models: what they are, how fast they are here, which is in use, and how sure it must be."""
