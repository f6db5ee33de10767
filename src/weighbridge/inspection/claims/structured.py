"""Claims from a file of tables: TOML with `[[claim]]`, or JSON with a list of objects."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.inspection.claims.claim import Claim, Quantity
from weighbridge.inspection.claims.phrases import PHRASES, amount

if TYPE_CHECKING:
    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["read_structured"]

_KEYS = {"model", "quantity", "value", "about"}
_MOST = 10_000
_COUNTED = next(phrase.pattern for phrase in PHRASES if phrase.quantity is Quantity.LAYERS)


def read_structured(text: str, place: str, base: FactBase) -> list[Claim]:
    """Return the claims of a file; raises UsageError that names the row and what is wrong in it.

    A row is {model, quantity, value}; a value is a number, or a text such as `671B`, `93.3%` or `2024-12`.
    """
    try:
        loaded: Any = tomllib.loads(text) if place.endswith(".toml") else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"`{place}` cannot be read: {error}") from error
    rows = loaded.get("claim", loaded.get("claims")) if isinstance(loaded, dict) else loaded
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise UsageError(f"`{place}` holds no list of claims", hint="write `[[claim]]` with model, quantity and value")
    return [_claim(row, number, place, base) for number, row in enumerate(rows, 1)]


def _claim(row: Any, number: int, place: str, base: FactBase) -> Claim:
    where = f"`{place}` claim {number}"
    if not isinstance(row, dict) or not row.keys() >= {"model", "quantity", "value"}:
        raise UsageError(f"{where} needs `model`, `quantity` and `value`")
    if unknown := sorted(row.keys() - _KEYS):
        raise UsageError(f"{where}: key `{str(unknown[0])[:40]}` is not known", hint=did_you_mean(unknown[0], _KEYS))
    names = [quantity.value for quantity in Quantity]
    if row["quantity"] not in names:
        said = str(row["quantity"])[:40]
        raise UsageError(
            f"{where}: there is no quantity `{said}`", hint=did_you_mean(said, names) or "known: " + ", ".join(names)
        )
    model = str(row["model"])[:200]
    quantity = Quantity(row["quantity"])
    value, unit = _value(row["value"], where)
    return Claim(
        base.find(model) or model, quantity, value, unit, is_about=bool(row.get("about")), words=str(row["value"])[:200]
    )


def _value(value: Any, where: str) -> tuple[float | str, float]:
    """Return a value and the size of its last digit."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{where}: `value` is neither a number nor a text")
    if not isinstance(value, str):
        return float(value), 0.0
    text = value.strip()
    if text.endswith("%"):
        number = text[:-1].strip()
        if number.replace(".", "", 1).isdigit():
            return float(number) / 100, 0.01 * 10.0 ** -len(number.partition(".")[2])
    if found := _COUNTED.fullmatch(f"{text} layers"):
        read = amount(found)
        if read:
            return read
    return text, 0.0
