"""Bounded parsers of hostile files."""
