"""The inventory as a page of HTML: the answer first, then the table, what was not searched, and the limits."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from weighbridge.dossier.inventory.order import shown_rows
from weighbridge.dossier.visible import reveal

__all__ = ["as_html"]

_MOST_ROWS = 5000


def as_html(report: dict[str, Any]) -> str:
    """Return the page of a report (`Inventory.to_json`); one file, no script, nothing is fetched."""
    return _environment().get_template("inventory.html").render(report=report, models=shown_rows(report)[:_MOST_ROWS])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("weighbridge.dossier.inventory", "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["seen"] = lambda text: reveal(str(text))
    return environment
