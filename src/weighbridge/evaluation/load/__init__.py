"""Load: what a served model does under many users at once, timed from when each request was due."""
