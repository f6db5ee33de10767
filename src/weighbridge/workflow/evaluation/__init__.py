"""Use cases that ask a model: measure, compare, vote, import."""
