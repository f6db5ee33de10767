"""A gap between two languages found with few calls: one may look after every item.

Only items whose answers differ speak. If neither language is likelier to show the behaviour, each such pair falls
either way with chance 1/2 whatever came before, and the likelihood ratio of a uniform mixture of chances against 1/2
is a martingale with mean 1: by Ville's inequality it reaches 1 / alpha with probability at most alpha, however often
one looks (Robbins, Annals of Mathematical Statistics 41, 1970). With m pairs, x of them one way, it is
2^m / ((m + 1) (m choose x)).
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

__all__ = ["DiscordantTest", "DiscordantVerdict", "Side"]

Side: TypeAlias = Literal["first_only", "second_only"]
DiscordantVerdict: TypeAlias = Literal["first more", "second more", "not shown"]


class DiscordantTest:
    """The test of "no gap" on discordant pairs, fed in a random order of the items that was fixed before.

    Attributes: `first_only`, `second_only` (pairs so far). Concordant items are not added. An item with several draws
    counts once: its first draw.
    """

    def __init__(self) -> None:
        self.first_only = self.second_only = 0
        self._peak, self._peak_side = 0.0, 0

    def add(self, side: Side) -> float:
        """Take one discordant pair and return the e-value; raises ValueError for any other side."""
        if side not in {"first_only", "second_only"}:
            raise ValueError(f"a side of {side!r}")
        self.first_only += side == "first_only"
        self.second_only += side == "second_only"
        if (log_e := self._log_e()) > self._peak:
            self._peak, self._peak_side = log_e, self.first_only - self.second_only
        return self.e_value

    @property
    def e_value(self) -> float:
        """The evidence against "no gap" now; its mean is 1 without a gap. At most exp(700)."""
        return math.exp(min(self._log_e(), 700.0))

    @property
    def p_value(self) -> float:
        """A p-value that holds at any stopping time: 1 over the highest e-value so far."""
        return math.exp(-self._peak)

    def verdict(self, alpha: float = 0.05) -> DiscordantVerdict:
        """Return which language shows the behaviour more once the evidence has ever reached 1 / alpha.

        A false verdict has probability at most `alpha` over all looks, and a verdict stays.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"an error of {alpha}")
        if self._peak < -math.log(alpha):
            return "not shown"
        return "first more" if self._peak_side > 0 else "second more"

    def _log_e(self) -> float:
        """Return the logarithm of the e-value."""
        x, y = self.first_only, self.second_only
        log_ways = math.lgamma(x + y + 2) - math.lgamma(x + 1) - math.lgamma(y + 1)
        return (x + y) * math.log(2) - log_ways
