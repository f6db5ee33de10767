"""The picture of an arena: ratings with their intervals, best first, and the same at equal style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, draw
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

__all__ = ["rating_plot"]

_RAW, _STYLED = "as voted", "at equal style"
_LONGEST = 60
_MOST = 60


def rating_plot(content: Mapping[str, Any]) -> Markup | None:
    """Return the plot of an arena's report (`Report.to_json`), or None without the extra or ratings."""
    rows = [
        {"label": single_line(one["name"], _LONGEST), "what": what, **{end: one["rating"][end] for end in _ENDS}}
        for what, found in ((_RAW, content["ratings"]), (_STYLED, content["style"]["ratings"]))
        for one in found[:_MOST]
    ]
    x = {"field": "value", "type": "quantitative", "axis": {"title": "rating, log odds against the mean model"}}
    y = {"field": "label", "type": "nominal", "title": None, "sort": None}
    offset = {"field": "what", "type": "nominal"}
    colour = {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": [_RAW, _STYLED], "range": [BLUE, ORANGE]},
        "legend": {"orient": "top", "title": None},
    }
    shape = {**colour, "scale": {"domain": [_RAW, _STYLED], "range": ["circle", "diamond"]}}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "rule", "color": GREY, "strokeDash": [4, 3]}, "encoding": {"x": {"datum": 0}}},
        {
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.55},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "yOffset": offset,
                         "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y, "yOffset": offset, "color": colour, "shape": shape},
        },
    ]  # fmt: skip
    count = len(content["ratings"])
    return draw(rows, layers, "Ratings of the arena", f"Ratings of {count} models with their intervals")


_ENDS = ("value", "low", "high")
