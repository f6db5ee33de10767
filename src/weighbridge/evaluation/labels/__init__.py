"""Hand labels: answers drawn at random, what people say of them, and the detector held against it."""
