"""Whom downloads belong to: publishers, names of families, chains of base models."""
