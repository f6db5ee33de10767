"""Access: keys, limits and budgets, answered from memory and kept in a store."""
