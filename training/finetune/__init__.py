"""A shipped model made better on a user's own pictures: one command, a CPU, twenty minutes."""
