"""What a caller asks: bounds, meaning, and the few bytes that are changed on the way."""
