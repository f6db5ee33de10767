"""File safety: what loading a file does, from findings and from what was read."""
