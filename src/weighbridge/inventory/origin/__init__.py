"""Origin: who trained what stands behind a trace, step by step from the model to the root of its chain."""
