"""Engines: what answers prompts. `protocol` is the seam; adapters come through entry points."""
