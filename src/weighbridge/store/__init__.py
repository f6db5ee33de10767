"""The store: append-only evidence and completions. `protocol` is the seam."""
