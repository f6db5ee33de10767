"""What an upstream answers: events, usage, and what its refusals mean to the caller."""
