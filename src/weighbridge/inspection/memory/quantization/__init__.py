"""How quantized checkpoints store their weights, and how their configs say so."""
