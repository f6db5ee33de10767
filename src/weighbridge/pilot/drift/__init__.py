"""Whether a route's answers and prompts are still those of its reference: sequential tests with a stated error."""
