"""Which rows of an inventory people are shown, and in which order: firm finds first, lists of names as one line."""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["Least", "shown_rows"]

Least = Literal["low", "medium", "high"]
_ORDER = ("high", "medium", "low")


def shown_rows(report: dict[str, Any], least: Least | None = None) -> list[dict[str, Any]]:
    """Return the rows of a report (`Inventory.to_json`) at least as sure as `least`, the surest first.

    Without `least` a weak name that only stands in long lists is left out: the summary counts it by its list.
    """
    lists = {one["place"] for one in report["summary"]["lists"]}
    sure = _ORDER[: _ORDER.index(least or "low") + 1]
    rows = [
        model for model in report["models"]
        if model["confidence"] in sure and (least == "low" or not _is_only_listed(model, lists))
    ]  # fmt: skip
    return sorted(rows, key=lambda model: model["confidence"] == "low")


def _is_only_listed(model: dict[str, Any], lists: set[str]) -> bool:
    return model["confidence"] == "low" and all(one["place"].rpartition(":")[0] in lists for one in model["places"])
