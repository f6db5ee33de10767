"""How texts say a quantity: the patterns of `phrases.toml`, whose repetitions are bounded."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from weighbridge.inspection.claims.claim import Quantity
from weighbridge.inspection.claims.reading.values import COUNT, DATE

__all__ = ["Phrase", "label_of", "phrases"]

_PIECE = re.compile(r"<<(\w+)>>")
_UNIT = re.compile(
    r"\s*[(\[]\s*(billions?|bn|b|millions?|m|trillions?|t|tokens|k|usd|\$|\$m)?\s*[)\]]\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way of saying a quantity; `scale` turns what is written into the quantity's unit.

    It is not read where `unless` stands in it, `before` characters ahead of it or `after` behind it.
    """

    quantity: Quantity
    pattern: re.Pattern[str]
    reads: Literal["amount", "word", "date", "ratio"] = "amount"
    scale: float = 1.0
    words: tuple[tuple[str, str], ...] = ()
    unless: re.Pattern[str] | None = None
    before: int = 30
    after: int = 24

    def word(self, said: str) -> str:
        """Return the value that a word stands for."""
        plain = re.sub(r"[\s-]+", "-", said.strip().lower())
        return next((value for start, value in self.words if plain.startswith(start)), plain)


@cache
def _table() -> dict[str, Any]:
    text = files("weighbridge.inspection.claims").joinpath("data", "phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def phrases() -> tuple[Phrase, ...]:
    """Return all phrases, the more telling ones first."""
    table = _table()
    pieces = {"COUNT": COUNT, "DATE": DATE, **table["pieces"], **table["unless"]}

    def compiled(pattern: str) -> re.Pattern[str]:
        while _PIECE.search(pattern):
            pattern = _PIECE.sub(lambda found: pieces[found[1]], pattern)
        return re.compile(pattern, re.IGNORECASE)

    return tuple(
        Phrase(
            Quantity(row["quantity"]),
            compiled(row["pattern"]),
            row.get("reads", "amount"),
            row.get("scale", 1.0),
            tuple((start, value) for start, value in table["words"].get(row.get("words"), ())),
            compiled(table["unless"].get(row["unless"], row["unless"])) if "unless" in row else None,
            row.get("before", 30),
            row.get("after", 24),
        )
        for row in table["phrase"]
    )


@cache
def _labels() -> dict[str, Quantity]:
    return {label: Quantity(quantity) for quantity, labels in _table()["labels"].items() for label in labels}


def label_of(text: str) -> tuple[Quantity, str] | None:
    """Return the quantity that a heading names, and the unit it gives in brackets."""
    plain = re.sub(r"[*_`]+", "", text).strip(" :\t")
    unit = _UNIT.search(plain)
    bare = " ".join((plain[: unit.start()] if unit else plain).lower().split())
    quantity = _labels().get(bare)
    return None if quantity is None else (quantity, (unit[1] or "") if unit else "")
