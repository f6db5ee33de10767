"""Reading: what an answer in words names as its result, a number or a letter."""
