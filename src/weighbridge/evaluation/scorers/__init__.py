"""Scorers: `(item, completion) -> Score | Unscored`, one file each; pure, and they never raise for an answer."""
