"""The canary: a few items whose behaviour is stable, asked again to see whether a model still is what was measured."""
