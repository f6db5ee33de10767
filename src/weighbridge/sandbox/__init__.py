"""The sandbox: runs code that a model wrote, away from everything, and away from the tests that judge it."""
