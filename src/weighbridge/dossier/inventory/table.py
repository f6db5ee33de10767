"""The inventory as CSV (RFC 4180), one row a model, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

from weighbridge.dossier.visible import reveal

__all__ = ["COLUMNS", "as_csv"]

COLUMNS = (
    "reference", "maker", "maker_country", "publisher", "base_chain", "chain_is_closed", "licence",
    "licence_is_complete", "commercial_use", "licence_conflicts", "decision", "decision_expires_on", "denied",
    "not_excluded", "confidence", "places", "contradictions", "notes",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP: CSV injection
_LONGEST = 32_000  # a cell of Excel takes 32,767 characters


def as_csv(report: dict[str, Any]) -> str:
    """Return the table of a report (`Inventory.to_json`); what is not known is an empty cell."""
    denied, possible = _by_reference(report["denied"]), _by_reference(report["not_excluded"])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for model in report["models"]:
        writer.writerow([_cell(value) for value in _row(model, denied, possible)])
    return stream.getvalue()


def _row(model: dict[str, Any], denied: dict[str, list[str]], possible: dict[str, list[str]]) -> list[Any]:
    chain = " < ".join(step["reference"] or step["name"] for step in model["base_chain"])
    return [
        model["reference"], model["maker"], model["maker_country"], model["publisher"], chain,
        model["chain_is_closed"], model["licence"], model["licence_is_complete"], model["commercial_use"],
        [one["message"] for one in model["licence_conflicts"]], model["decision"]["state"],
        model["decision"]["expires_on"], denied.get(model["reference"], []), possible.get(model["reference"], []),
        model["confidence"], [one["place"] for one in model["places"]], model["contradictions"],
        [*model["open_ends"], *model["notes"]],
    ]  # fmt: skip


def _by_reference(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["reference"], []).append(row["denial"])
    return found


def _cell(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that could be begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = reveal("; ".join(str(one) for one in value) if isinstance(value, list) else str(value))
    text = text.replace("\n", " ")[:_LONGEST]
    return f"'{text}" if text.startswith(_FORMULA) else text
