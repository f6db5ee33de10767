"""Hubs: places that publish models. `protocol` is the seam; adapters come through entry points."""
