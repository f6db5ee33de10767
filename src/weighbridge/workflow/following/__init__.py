"""What a watch is read against: our stakes, past runs, release windows, and what was sent."""
