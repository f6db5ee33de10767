"""Fit: whether a model runs on devices, how it is divided among them, and what is left for sequences."""
