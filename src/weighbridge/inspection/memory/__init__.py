"""What a model needs in memory: its weights by quantization, its cache by engine, and whether that fits."""
