"""Suites that ship: one folder each, data only. See the licence and source in each `suite.toml`."""
