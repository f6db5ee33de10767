"""What was seen on a route, in one order that all nodes share, and what is concluded from it."""
