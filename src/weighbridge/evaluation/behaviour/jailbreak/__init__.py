"""Jailbreaks: published transforms of a request, and what they change in what a model refuses."""
