"""Use cases of load: many users at once, by service levels."""
