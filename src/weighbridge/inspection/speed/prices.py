"""What hosts ask for a model by API: list prices from public catalogues, dated, to set beside our own cost."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Price", "prices_of"]

_MAKERS = frozenset({"deepseek", "mistral", "moonshotai", "zai", "alibaba", "minimax"})


@dataclass(frozen=True, slots=True)
class Price:
    """One host's list price in dollars a million tokens, and the catalogue that says so."""

    host: str
    model: str
    usd_input: float
    usd_output: float
    source: str


def prices_of(name: str) -> tuple[Price, ...]:
    """Return the prices of a model by its name without the maker: its maker's own first, then by input price."""
    plain = name.rpartition("/")[2].rpartition("__")[2].lower()
    return _table().get(plain, ())


@cache
def _table() -> dict[str, tuple[Price, ...]]:
    found: dict[str, list[Price]] = {}
    with files(__package__).joinpath("prices.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(line for line in rows if not line.startswith("#")):
            price = Price(row["host"], row["model"], float(row["input"]), float(row["output"]), row["source"])
            found.setdefault(row["model"], []).append(price)
    return {model: tuple(sorted(prices, key=_order)) for model, prices in found.items()}


def _order(price: Price) -> tuple[bool, float]:
    return price.host not in _MAKERS, price.usd_input
