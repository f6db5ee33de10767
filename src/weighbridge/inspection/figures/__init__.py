"""Figures: what the sources say of a model, each with its standing, and where they disagree."""
