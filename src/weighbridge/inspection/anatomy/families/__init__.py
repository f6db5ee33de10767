"""Families of architectures: one builder a `model_type`, from config fields to a structure."""
