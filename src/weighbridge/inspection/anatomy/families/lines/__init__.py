"""Lines of dense decoders, one file a line, over one layout of names."""
