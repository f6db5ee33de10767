"""Bradley-Terry ratings from pairwise votes: ties as half wins, intervals by prompt, and what they rest on.

`collect` votes, then `leaderboard`; or the parts: `count_cells`, `fit`, `clustered_covariance`, `fit_style`, ...
"""

from weighbridge.statistics.bradley_terry.covariance import (
    Bootstrap,
    bootstrap_cells,
    bootstrap_prompts,
    clustered_covariance,
)
from weighbridge.statistics.bradley_terry.pairing import pair_chances
from weighbridge.statistics.bradley_terry.ranks import Place, leaderboard, rank_intervals
from weighbridge.statistics.bradley_terry.rating import Davidson, Rating, fit, fit_davidson
from weighbridge.statistics.bradley_terry.robustness import DropRobustness, drop_robustness
from weighbridge.statistics.bradley_terry.style import StyleRating, fit_style, style_differences
from weighbridge.statistics.bradley_terry.votes import Votes, collect, count_cells, require_connected, strong_groups

__all__ = [
    "Bootstrap",
    "Davidson",
    "DropRobustness",
    "Place",
    "Rating",
    "StyleRating",
    "Votes",
    "bootstrap_cells",
    "bootstrap_prompts",
    "clustered_covariance",
    "collect",
    "count_cells",
    "drop_robustness",
    "fit",
    "fit_davidson",
    "fit_style",
    "leaderboard",
    "pair_chances",
    "rank_intervals",
    "require_connected",
    "strong_groups",
    "style_differences",
]
