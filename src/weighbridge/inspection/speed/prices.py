"""What hosts ask for a model by API: list prices from public catalogues, dated, to set beside our own cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from weighbridge.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.knowledge.load import Knowledge

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


def prices_of(name: str, folder: Path | None = None) -> tuple[Price, ...]:
    """Return the prices of a model by its name without the maker: its maker's own first, then by input price.

    `folder` holds a user's own tables (see `load_knowledge`).
    """
    plain = name.rpartition("/")[2].rpartition("__")[2].lower()
    return _table(load_knowledge(folder)).get(plain, ())


@lru_cache(maxsize=4)
def _table(known: Knowledge) -> dict[str, tuple[Price, ...]]:
    found: dict[str, list[Price]] = {}
    for row in known.prices:
        if row.usd_per_mtok_input is not None and row.usd_per_mtok_output is not None:
            price = Price(row.provider, row.model, row.usd_per_mtok_input, row.usd_per_mtok_output, row.catalogue)
            found.setdefault(row.model, []).append(price)
    return {model: tuple(sorted(prices, key=_order)) for model, prices in found.items()}


def _order(price: Price) -> tuple[bool, float]:
    return price.host not in _MAKERS, price.usd_input
