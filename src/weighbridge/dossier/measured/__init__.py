"""Tables of what was measured beside scores: load, arena, quantization loss, contamination hints."""
