"""Checks of code, and of settings that ask for code."""
