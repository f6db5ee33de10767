"""Asking for the sake of a comparison: candidates, embeddings and judges, each within its allowance."""
