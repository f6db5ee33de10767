"""Pure numbers: intervals and paired tests, in the standard library's mathematics."""
