"""Code that comes beside weights: read as syntax, never imported."""
