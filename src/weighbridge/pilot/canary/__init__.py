"""The canary: a candidate serves a rising share of the callers, on evidence only, and is rolled back on evidence."""
