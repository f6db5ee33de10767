"""What publishers say of a model's size, in its name, and which of our figures each counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from weighbridge.core.kinds.anatomy import VendorBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds.anatomy import ParametersBody

__all__ = ["vendor_figures"]

_STEPS = {"T": 10**12, "B": 10**9, "M": 10**6}
# `30B-A3B`, `235B`, `0.6B`, `A55B`; not the `8x7B` of a name that counts experts, nor the `4B` of `E4B`
_FIGURE = re.compile(
    r"(?<![\w.])(?P<active>A)?(?P<number>\d{1,4}(?:\.\d{1,3})?)(?P<step>[TBM])(?![\w.])", re.IGNORECASE
)
_SPELT = re.compile(r"(?<=\d)_(?=\d)")  # `1_8B` is 1.8B
_ABOUT = 0.03  # 116.8 billion is sold as 120B, 549.3 as 550B
_CONVENTIONS = ("all", "without_input_embedding", "without_embeddings")


def vendor_figures(name: str, source: str, parameters: ParametersBody) -> Iterator[VendorBody]:
    """Yield the figures in a name, each with the count of ours that it rounds or cuts to; None where none does."""
    for found in _FIGURE.finditer(_SPELT.sub(".", name).replace("_", "-")):
        step = _STEPS[found["step"].upper()]
        value, unit = float(found["number"]) * step, step * 10.0 ** -len(found["number"].partition(".")[2])
        quantity: Literal["total", "active"] = "active" if found["active"] else "total"
        counts = _counts(value, unit, dict(_candidates(quantity, parameters)))
        if counts is None and quantity == "total" and parameters.parts.get("routed_experts"):
            # Llama 4 and OLMoE print the active parameters without a letter: `17B-16E`, `1B-7B`
            counts = _counts(value, unit, dict(_candidates("active", parameters)))
            quantity = "active" if counts else "total"
        yield VendorBody(said=found[0], quantity=quantity, value=round(value), source=source, counts=counts)


def _candidates(quantity: str, parameters: ParametersBody) -> Iterator[tuple[str, int]]:
    """Yield our counts that a publisher may mean, by name."""
    if quantity == "active":
        if parameters.active is not None:
            yield from ((name, getattr(parameters.active, name)) for name in _CONVENTIONS)
        return
    parts, total = parameters.parts, parameters.total
    if total is not None:
        yield "total", total
        if beside := parts.get("mtp", 0) + parts.get("mtp_copies", 0):
            yield "total with MTP", total + beside
    if parameters.text is not None and parameters.text != total:
        yield "text", parameters.text
    if parameters.active is not None and total is not None:
        yield "total without embeddings", total - (parameters.active.all - parameters.active.without_embeddings)


def _counts(value: float, unit: float, candidates: dict[str, int]) -> str | None:
    """Return the count that rounds or is cut to a figure (7.6 billion is sold as 7B): the total, or the nearest."""
    fitting = {
        name: abs(count - value)
        for name, count in candidates.items()
        if abs(count - value) <= max(unit / 2, _ABOUT * value) or 0 <= count - value < unit
    }
    if "total" in fitting:
        return "total"
    return min(fitting, key=lambda name: fitting[name]) if fitting else None
