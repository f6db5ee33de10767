"""Admission: from `gateway.toml` and the evidence store to routes that are open, or refused with the reason."""
