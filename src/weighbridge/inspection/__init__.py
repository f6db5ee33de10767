"""Inspection without running: files, anatomy, card."""
