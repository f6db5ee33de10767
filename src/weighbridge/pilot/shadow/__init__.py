"""Shadow: a candidate gets a share of the prompts, and its answers are held against ours; nobody is sent them."""
