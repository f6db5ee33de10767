"""Use cases of behaviour: what a model refuses, evades and recites."""
