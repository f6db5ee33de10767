"""Lineage: what files declare of their origin, and what weights show beside a base."""
