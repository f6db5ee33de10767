"""What a pilot remembers: keys, budgets and what was spent; SQLite on one node, PostgreSQL for many."""
