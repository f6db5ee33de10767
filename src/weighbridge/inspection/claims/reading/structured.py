"""Claims from a file of tables: TOML with `[[claim]]`, JSON with a list of objects, JSON lines, or CSV."""

from __future__ import annotations

import csv
import json
import tomllib
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.inspection.claims.claim import Claim, Quantity
from weighbridge.inspection.claims.reading.phrases import label_of
from weighbridge.inspection.claims.reading.values import read_value

if TYPE_CHECKING:
    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["SUFFIXES", "read_structured"]

SUFFIXES = (".toml", ".json", ".jsonl", ".csv")
_NEEDED = {"model", "quantity", "value"}
_KEYS = {*_NEEDED, "about", "unit", "against", "bound", "source", "id", "note", "text", "words"}
_MOST = 10_000
_STEPS = {
    "b": "B", "billion": "B", "m": "M", "million": "M", "t": "T", "trillion": "T", "k": "K", "%": "%", "percent": "%",
    "x": "x", "times": "x",
}  # fmt: skip
# other words for quantities that no heading of a table has
_OTHER_NAMES = {
    "active_params": Quantity.ACTIVE_PARAMETERS, "total_params": Quantity.TOTAL_PARAMETERS, "license": Quantity.LICENCE,
    "kv_cache_reduction": Quantity.KV_CACHE_SAVING, "kv_cache_saved": Quantity.KV_CACHE_SAVING,
    "training_cost": Quantity.TRAINING_COST_USD, "training_cost_reduction": Quantity.TRAINING_COST_SAVING,
    "throughput": Quantity.THROUGHPUT_RATIO, "kv_cache_per_token": Quantity.KV_BYTES_PER_TOKEN,
    "kv_cache_bytes_per_token": Quantity.KV_BYTES_PER_TOKEN, "num_hidden_layers": Quantity.LAYERS,
    "num_experts_per_tok": Quantity.EXPERTS_USED, "n_routed_experts": Quantity.EXPERTS, "num_experts": Quantity.EXPERTS,
    "max_position_embeddings": Quantity.CONTEXT_LENGTH, "vocab_size": Quantity.VOCABULARY,
    "compute_ratio": Quantity.TRAINING_COMPUTE_RATIO, "experts_per_token": Quantity.EXPERTS_USED,
    "is_open": Quantity.OPEN_WEIGHTS, "num_layers": Quantity.LAYERS,
}  # fmt: skip


def read_structured(text: str, place: str, base: FactBase) -> list[Claim]:
    """Return the claims of a file; raises UsageError that names the row and what is wrong in it.

    A row is {model, quantity, value}; a value is a number, or a text such as `671B`, `93.3%` or `2024-12`. What a row
    says by a quantity or a value that is not known is no error: nothing can be told of it.
    """
    try:
        rows = _rows(text, place)
    except (ValueError, RecursionError, csv.Error) as error:
        raise UsageError(f"`{place}` cannot be read: {error}") from error
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise UsageError(f"`{place}` holds no list of claims", hint="write `[[claim]]` with model, quantity and value")
    return [_claim(row, number, place, base) for number, row in enumerate(rows, 1)]


def _rows(text: str, place: str) -> Any:
    if place.endswith(".csv"):
        return list(csv.DictReader(text.splitlines()))
    if place.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    loaded: Any = tomllib.loads(text) if place.endswith(".toml") else json.loads(text)
    if isinstance(loaded, dict) and loaded.keys() >= _NEEDED:
        return [loaded]
    return loaded.get("claim", loaded.get("claims")) if isinstance(loaded, dict) else loaded


def _claim(row: Any, number: int, place: str, base: FactBase) -> Claim:
    where = f"`{place}` claim {number}"
    if not isinstance(row, dict) or not row.keys() >= _NEEDED:
        raise UsageError(f"{where} needs `model`, `quantity` and `value`")
    if unknown := sorted(str(key) for key in row.keys() - _KEYS):
        raise UsageError(f"{where}: key `{unknown[0][:40]}` is not known", hint=did_you_mean(unknown[0], _KEYS))
    model = str(row["model"])[:200]
    quantity = _quantity(str(row["quantity"])[:60])
    value, unit, bound, is_about = _value(quantity, row["value"], str(row.get("unit") or ""), where)
    against = str(row.get("against") or "")[:200]
    said_bound = str(row.get("bound") or "")
    return Claim(
        base.find(model) or model, quantity, value, unit,
        is_about=is_about or row.get("about") in (True, "true", "yes"),
        bound="over" if said_bound == "over" else "under" if said_bound == "under" else bound,
        against=base.find(against) or against, words=str(row["value"])[:200],
    )  # fmt: skip


def _quantity(name: str) -> str:
    """Return the quantity that a name means, or the name."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in set(Quantity):
        return Quantity(plain)
    label = label_of(plain.replace("_", " "))
    return _OTHER_NAMES.get(plain) or (label[0] if label else name)


def _value(quantity: str, value: Any, unit: str, where: str) -> tuple[float | str, float, Any, bool]:
    """Return a value, the size of its last digit, its bound, and whether it is rough."""
    if isinstance(value, date):
        value = value.isoformat()[:10]  # TOML and YAML have dates of their own
    if isinstance(value, bool) and quantity == Quantity.OPEN_WEIGHTS:
        return ("yes" if value else "no"), 0.0, "", False
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{where}: `value` is neither a number nor a text")
    step = _STEPS.get(unit.strip().lower(), "")
    text = value.strip() if isinstance(value, str) else ""
    if isinstance(value, str):
        return read_value(quantity, f"{text}{step}") or (text, 0.0, "", False)
    if step and (read := read_value(quantity, f"{value}{step}")):
        return read
    if quantity == Quantity.RELEASED:
        return read_value(quantity, str(value)) or (str(value), 0.0, "", False)
    if quantity in (Quantity.KV_CACHE_SAVING, Quantity.TRAINING_COST_SAVING, Quantity.ACTIVE_SHARE) and value > 1:
        return value / 100, 0.0, "", False
    return float(value), 0.0, "", False
