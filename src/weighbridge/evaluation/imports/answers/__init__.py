"""Whole answers of result files, for judging anew what others asked for; scores are left where they are."""

from weighbridge.evaluation.imports.answers.rows import of_model, read_rows_of_any

__all__ = ["of_model", "read_rows_of_any"]
