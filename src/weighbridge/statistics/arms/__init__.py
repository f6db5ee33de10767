"""Two arms, one outcome: tests of two rates that may be looked at after every block of answers.

Answers come in blocks of n_a from arm A (today's model) and n_b from arm B (the candidate), gathered in the same
stretch of time. `HarmTest` gathers evidence against "B's rate is not above A's", `SafetyTest` against "B's rate is
above A's by the margin or more". Both are e-processes: wherever one stops, and whatever the common rate does in
between, a true null reaches 1 / alpha with probability alpha at the most (Ville, 1939). `PairHarm` is `HarmTest` for
answers of both to the same prompt, of which somebody says which is better.
"""

from __future__ import annotations

from weighbridge.statistics.arms.block import Block, Rates, apart, evidence, together
from weighbridge.statistics.arms.harm import HarmTest
from weighbridge.statistics.arms.pairs import PairHarm
from weighbridge.statistics.arms.rates import rate_sequence
from weighbridge.statistics.arms.safety import SafetyTest

__all__ = ["Block", "HarmTest", "PairHarm", "Rates", "SafetyTest", "apart", "evidence", "rate_sequence", "together"]
