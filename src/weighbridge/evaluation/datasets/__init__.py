"""Datasets: tables of strangers read row by row, and mapped onto items by a description in TOML, never by code."""
