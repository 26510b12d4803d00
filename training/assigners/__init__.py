"""Which cells learn which object."""
