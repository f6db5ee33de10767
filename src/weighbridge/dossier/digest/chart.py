"""The picture of a plan: releases of each family over time, and the windows in which the next are expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, draw
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from weighbridge.dossier.locale import Locale

__all__ = ["release_plot"]

_LONGEST = 40
_WHOLE_DAY = len("2026-07-16")


def release_plot(families: Sequence[dict[str, Any]], t: Locale) -> Markup | None:
    """Return the plot of families (`plan_json`), or None without the extra or releases whose day is known."""
    flagship, other, window = (t(f"digest.plot_{name}") for name in ("flagship", "other", "window"))
    rows: list[dict[str, Any]] = []
    for family in families:
        label = single_line(family["family"], _LONGEST)
        rows += [
            {"label": label, "what": flagship if one["flagship"] else other, "x": one["date"]}
            for one in family["releases"]
            if len(one["date"]) == _WHOLE_DAY
        ]
        if family["window"]:
            rows.append({"label": label, "what": window, "low": family["window"][0], "high": family["window"][1]})
    y = {"field": "label", "type": "nominal", "title": None, "sort": None}
    axis = {"title": None, "format": "%b %Y", "labelOverlap": True}
    looks = {"domain": [flagship, other, window], "range": [BLUE, GREY, ORANGE]}
    legend = {"orient": "top", "title": None}
    colour = {"field": "what", "type": "nominal", "scale": looks, "legend": legend}
    shape = {**colour, "scale": {**looks, "range": ["circle", "diamond", "square"]}}
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "bar", "opacity": 0.35, "height": 14},
            "encoding": {
                "x": {"field": "low", "type": "temporal", "axis": axis}, "x2": {"field": "high"}, "y": y,
                "color": colour,
            },
        },
        {
            "transform": [{"filter": "isValid(datum.x)"}],
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {
                "x": {"field": "x", "type": "temporal", "axis": axis}, "y": y, "color": colour, "shape": shape,
            },
        },
    ]  # fmt: skip
    if not any("x" in row for row in rows):
        return None
    return draw(rows, layers, t("digest.plot"), t("digest.plot_description", count=len(families)))
