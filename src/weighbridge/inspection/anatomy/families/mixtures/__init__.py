"""Mixtures of experts over grouped-query attention, one file a line of families."""
