"""The wire formats: requests out, completions in. Pure; whatever a server says is hostile input."""
