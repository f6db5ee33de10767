"""Pilot: the live trial of a model that a decision admitted; logic only, no HTTP."""
