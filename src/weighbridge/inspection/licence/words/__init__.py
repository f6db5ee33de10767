"""From a file's characters to comparable words, each with its place."""
