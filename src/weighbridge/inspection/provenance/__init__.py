"""Provenance: is this copy the one that was weighed, and who vouches for it."""
