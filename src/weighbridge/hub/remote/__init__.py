"""Reading a model on a hub without downloading it: listing, small files, headers of weights, and a shadow folder."""
