"""Identity: whether an endpoint still serves the model, quantization and template that were weighed."""
