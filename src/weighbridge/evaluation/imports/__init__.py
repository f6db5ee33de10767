"""Runs that other tools have stored, read so that they can be compared: one file a format, and detection."""

from weighbridge.evaluation.imports.detect import is_results, names_results, read_results
from weighbridge.evaluation.imports.imported import ImportedItem, ImportedRun

__all__ = ["ImportedItem", "ImportedRun", "is_results", "names_results", "read_results"]
