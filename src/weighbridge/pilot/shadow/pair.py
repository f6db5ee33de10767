"""A pair: what is kept of one prompt that two models answered. Scores, seconds and money; no text."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from weighbridge.core.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.route import Route, UpstreamSettings

__all__ = ["SCORING", "Outcome", "Pair", "Spent", "Two", "settings_of"]

SCORING = 1
"""Grows when pairs are scored in another way: scores of two ways are never added up."""

Outcome: TypeAlias = Literal["win", "loss", "tie", "none", ""]
"""The candidate's, against the primary; `none`: a judge replied with nothing that can be read."""

Two: TypeAlias = tuple[float | None, float | None]
"""The same of both answers, the primary's first."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a pair cost us: calls of candidate, judge and embedding, and US dollars (0 where no price is known)."""

    calls: int = 0
    usd: float = 0.0
    judge_calls: int = 0
    judge_usd: float = 0.0
    embedding_calls: int = 0
    embedding_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt, answered by the primary and by the candidate. Two values are the primary's and the candidate's.

    `test` is the digest of the settings under which it was scored. `user` stands for who asked, as in Observation, and
    `key` for its key, or whom that speaks for (`voice_of`). `failed` says why the candidate has no answer; it is
    `unavailable` where nobody could have asked it just then, whatever the prompt. `same`: the answers are equal but for
    white space. `agreement` is from 0 to 1, measured by `words` or by `embedding`. Flags are as Observation has them.

    `settled` is the outcome that needs no judge. For the others `chance` is that with which a judge was asked, fixed
    before; 0: there is no judge, or none that could be asked (`gap`): such pairs, with or without a judge's word, do
    not count for the preference. `judged` is "" where the draw passed the pair over; `first`: the candidate's answer
    was shown first.
    """

    id: str
    test: str
    user: str = ""
    key: str = ""
    failed: str = ""
    same: bool = False
    agreement: float | None = None
    measure: str = ""
    refused: Two = (None, None)
    in_form: Two = (None, None)
    same_language: Two = (None, None)
    cut: Two = (None, None)
    chars: Two = (None, None)
    total_s: Two = (None, None)
    first_s: Two = (None, None)
    settled: Outcome = ""
    chance: float = 0.0
    gap: bool = False
    judged: Outcome = ""
    first: bool | None = None
    spent: Spent = field(default_factory=Spent)

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values (lists, no tuples: an entry equals what is read back), without what is not known."""
        facts: dict[str, Any] = {"id": self.id, "test": self.test}
        for name in _OTHERS:
            value = getattr(self, name)
            if value is not None and (value is not False or name == "first") and value not in _EMPTY:
                facts[name] = list(value) if name in _TWOS else value
        spent = {name: value for name in _SPENT if (value := getattr(self.spent, name))}
        return facts | {"spent": spent} if spent else facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Pair:
        """Return the pair that `to_facts` described; unknown names are passed over.

        Raises TypeError or ValueError for what no pair can be: another version may have written it.
        """
        values = {name: value for name, value in facts.items() if name in _KNOWN}
        for name in _TWOS & values.keys():
            ours, theirs = values[name]
            values[name] = (ours, theirs)
        values["spent"] = Spent(**values.get("spent", {}))
        pair = cls(**values)
        pair._check()
        return pair

    def _check(self) -> None:
        """Raise TypeError or ValueError for values that cannot be counted."""
        numbers = [self.agreement, self.chance, *(one for name in _TWOS for one in getattr(self, name))]
        numbers += astuple(self.spent)
        if not all(number is None or (math.isfinite(number) and abs(number) < _ABSURD) for number in numbers):
            raise ValueError("a number that no pair has")
        words, told = (self.settled, self.judged), (self.user, self.key, self.failed, self.measure)
        if not {*words} <= _OUTCOMES or {*map(type, told)} != {str}:
            raise ValueError(f"the outcomes {words}")
        if not (0 <= self.chance <= 1 and 0 <= (self.agreement or 0.0) <= 1) or min(astuple(self.spent)) < 0:
            raise ValueError(f"a chance {self.chance}, an agreement {self.agreement}, or a cost below nothing")


_TWOS = frozenset({"refused", "in_form", "same_language", "cut", "chars", "total_s", "first_s"})
_OUTCOMES = frozenset(get_args(Outcome))
_ABSURD = 1e9
_EMPTY: tuple[object, ...] = ("", (None, None))
_SPENT = tuple(one.name for one in fields(Spent))
_KNOWN = frozenset(one.name for one in fields(Pair))
_OTHERS = tuple(one.name for one in fields(Pair) if one.name not in ("id", "test", "spent"))


def settings_of(route: Route) -> str:
    """Return the digest of all that decides what a pair's scores mean; other settings begin a new comparison.

    Not the share, the allowances and the prices: they decide how many pairs there are. Raises ValueError for a route
    without a shadow.
    """
    shadow = route.shadow
    if shadow is None:
        raise ValueError(f"the route {route.name} has no shadow")
    judge, embedding = shadow.terms.judge, shadow.terms.embedding
    return digest_of(
        {
            "scoring": SCORING,
            "primary": [route.primary.decision, _place(route.primary.upstream)],
            "candidate": [shadow.leg.decision, _place(shadow.leg.upstream)],
            "margin": shadow.terms.margin,
            "judge": _place(judge.upstream) if judge else None,
            "embedding": _place(embedding) if embedding else None,
        }
    ).removeprefix("sha256:")[:16]


def _place(upstream: UpstreamSettings) -> list[str]:
    return [upstream.url, upstream.model]
