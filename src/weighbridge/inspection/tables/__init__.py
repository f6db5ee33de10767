"""Tensor tables: which files hold the weights, and what their headers add up to."""
