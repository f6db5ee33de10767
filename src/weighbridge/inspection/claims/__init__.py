"""Claims: statements about known models, checked against computed and sourced facts."""
