"""Structured answers: JSON that follows a schema, and calls of tools."""
