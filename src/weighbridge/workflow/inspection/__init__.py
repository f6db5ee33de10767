"""Use cases that read files and ask nobody."""
