"""Quantization loss: the same model in two precisions, by next-token distributions."""
