"""Adoption: shares of downloads, each with its population, attribution, window, coverage and interval."""
