"""Checks of chat templates."""
