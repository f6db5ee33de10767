"""The audit log of a pilot: append-only, hash-chained, never a prompt, an answer, a key or a secret."""
