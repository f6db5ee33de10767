"""Chat templates: what they can reach, what they say to the model, and what they do to a conversation."""
