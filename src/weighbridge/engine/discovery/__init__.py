"""What an engine can do, and what it really serves: found by asking."""
