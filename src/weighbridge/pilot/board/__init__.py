"""What the dashboard of a pilot shows: counts and quantiles by time, folded from what was seen."""
