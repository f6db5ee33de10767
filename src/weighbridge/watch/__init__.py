"""Watch: what changed on the hubs between two looks, why it matters here, and what to do next."""
