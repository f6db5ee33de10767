"""What was looked at of one leg in one span of time, and how it is written into a document.

Written as one short text, for a document holds hundreds: JSON passes a text over, and only what is shown or changed is
read again. `30;1;2/30;0/4;0/30;0/28;512/30;-8:3,-7:10;-20:13`: looked at, failed, then yes/of for refused, out of form,
other language and cut off, tokens/of, and the counts of seconds to the end and to the first byte.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.board.sketch import bucket_of, quantile

if TYPE_CHECKING:
    from weighbridge.pilot.observation.noun import Observation

__all__ = ["SHARES", "Bucket"]

SHARES = ("refused", "out_of_form", "other_language", "cut_off")
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_PARTS = 9


@dataclass(slots=True)
class Bucket:
    """Counts of one span: `shares` are yes and of for each of SHARES, of those where it is known."""

    looked_at: int = 0
    failed: int = 0
    shares: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in SHARES])
    tokens: list[int] = field(default_factory=lambda: [0, 0])
    total: Counter[int] = field(default_factory=Counter)
    first: Counter[int] = field(default_factory=Counter)

    def add(self, seen: Observation) -> None:
        """Count an observation; seconds only of answers that came to their end."""
        self.looked_at += 1
        self.failed += seen.failed
        known = (seen.refused, _turned(seen.in_form), _turned(seen.same_language), seen.is_cut)
        for share, value in zip(self.shares, known, strict=True):
            if value is not None:
                share[0] += value
                share[1] += 1
        if seen.output_tokens is not None:
            self.tokens[0] += seen.output_tokens
            self.tokens[1] += 1
        if not seen.failed and not seen.is_left:
            self.total[bucket_of(seen.total_s)] += 1
            if seen.first_s is not None:
                self.first[bucket_of(seen.first_s)] += 1

    def merge(self, other: Bucket) -> None:
        """Add another span's counts."""
        self.looked_at += other.looked_at
        self.failed += other.failed
        for mine, others in zip((*self.shares, self.tokens), (*other.shares, other.tokens), strict=True):
            mine[0] += others[0]
            mine[1] += others[1]
        self.total.update(other.total)
        self.first.update(other.first)

    def write(self) -> str:
        """Return the text."""
        pairs = ";".join(f"{yes}/{of}" for yes, of in (*self.shares, self.tokens))
        sketches = (",".join(f"{at}:{count}" for at, count in sorted(one.items())) for one in (self.total, self.first))
        return f"{self.looked_at};{self.failed};{pairs};{';'.join(sketches)}"

    @classmethod
    def read(cls, text: str) -> Bucket:
        """Return the bucket of a text; raises ValueError where it is none."""
        parts = text.split(";")
        if len(parts) != _PARTS:
            raise ValueError("not a bucket")
        pairs = [[int(number) for number in part.split("/", 1)] for part in parts[2:7]]
        return cls(int(parts[0]), int(parts[1]), pairs[:4], pairs[4], _counts(parts[7]), _counts(parts[8]))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: shares as count and of, tokens of an answer as a mean, seconds as quantiles."""
        tokens, of = self.tokens
        return {
            "looked_at": self.looked_at,
            "failed": self.failed,
            **{name: {"count": yes, "of": known} for name, (yes, known) in zip(SHARES, self.shares, strict=True)},
            "tokens_mean": tokens / of if of else None,
            "total_s": {name: quantile(self.total, share) for name, share in _QUANTILES},
            "first_s": {name: quantile(self.first, share) for name, share in _QUANTILES},
        }


def _turned(value: bool | None) -> bool | None:
    return None if value is None else not value


def _counts(text: str) -> Counter[int]:
    pairs = (part.split(":", 1) for part in text.split(",") if part)
    return Counter({int(at): int(count) for at, count in pairs})
