"""Endpoints: what a running server says of the model behind a name, and what its tokenizer and template say."""
