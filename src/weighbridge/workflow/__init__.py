"""Use cases: what CLI, web and library share."""
