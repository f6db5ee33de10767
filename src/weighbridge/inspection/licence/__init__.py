"""Licences: which text this is, what differs from the reference, and what it says of an intended use."""
