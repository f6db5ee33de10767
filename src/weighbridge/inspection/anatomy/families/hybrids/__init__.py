"""Hybrids of attention and mixers with a constant state: the builders, by line of models."""
