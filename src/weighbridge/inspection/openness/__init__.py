"""Openness: each framework graded by its own rule, item by item, and never one blended number."""
