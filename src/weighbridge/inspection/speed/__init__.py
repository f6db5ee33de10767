"""Speed: FLOPs, rooflines, cost and training figures; always upper bounds."""
