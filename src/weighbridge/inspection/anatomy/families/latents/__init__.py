"""Latent attention in its variants: the blocks, the decoder around them, and the families that go further."""
