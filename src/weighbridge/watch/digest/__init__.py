"""The digest: what events mean for one team, by rules that are data."""
