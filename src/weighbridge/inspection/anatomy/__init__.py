"""Anatomy: what a model is made of."""
