"""Behaviour across languages: a bank of matched items, the answers to it, and what they say together."""
