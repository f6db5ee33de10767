"""Agent hijack: whether an instruction that stands in the output of a tool moves the model to act on it."""
