"""Candidate beside baseline: whole runs paired, or a comparison that stops as soon as it is clear."""
