"""Decisions: a pure function from a policy and evidence to a verdict with its reasons."""
