"""The picture of shares: both attributions with their ranges on one day, or the shares of one over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, draw
from weighbridge.dossier.html import stylesheet
from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["share_page", "shares_plot", "strong_codes"]

_MOST = 8
_MOST_LINES = 4
_LONGEST = 40
_LOOKS = ((BLUE, "circle"), (ORANGE, "diamond"), (GREY, "square"), ("#16803c", "triangle-up"))
_HEIGHT = 260


def shares_plot(content: Mapping[str, Any]) -> Markup | None:
    """Return the plot of a share report (`ShareReport.to_json`): over time where it has a series, else of its day.

    None without the extra or shares.
    """
    return _over_time(content) if len(content["series"]) > 1 else _of_a_day(content)


def share_page(content: Mapping[str, Any], plot: Markup) -> str:
    """Return a page of its own with the plot, what it counts, and the warnings."""
    definition, title = content["definition"], _title(content)
    said = [f"{name}: {definition[key]}" for name, key in _SAID]
    said += [f"{one['severity']}, {one['snapshot']}: {one['message']}" for one in content["warnings"]]
    lines = "".join(f"<li>{escape(single_line(line))}</li>" for line in said)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{stylesheet()}</style></head><body><main><h1>{escape(title)}</h1>{plot}<ul>{lines}</ul></main></body></html>\n"
    )


def strong_codes(point: Mapping[str, Any]) -> list[str]:
    """Return the codes of the strong warnings on one snapshot of a series, each once."""
    return list(dict.fromkeys(one["code"] for one in point["warnings"] if one["severity"] == "strong"))


_SAID = (
    ("metric", "metric_says"), ("population", "population_says"), ("attribution", "attribution_says"),
    ("geography", "geography"), ("window", "window"), ("data date", "data_date"),
)  # fmt: skip


def _title(content: Mapping[str, Any]) -> str:
    definition = content["definition"]
    return f"Shares of {definition['metric']} by {definition['by']}, {definition['population']} models"


def _of_a_day(content: Mapping[str, Any]) -> Markup | None:
    keys = list(content["shares"])[:_MOST]
    rows = [
        {"label": single_line(key, _LONGEST), "what": f"by {attribution}", "value": group["share"],
         "low": group["low"], "high": group["high"]}
        for attribution, found in content["attributions"].items()
        for key in keys
        if (group := found["groups"].get(key))
    ]  # fmt: skip
    x = {"field": "value", "type": "quantitative", "axis": {"format": ".0%", "title": None}}
    y = {"field": "label", "type": "nominal", "title": None, "sort": None}
    encoding = {"x": x, "y": y, "yOffset": {"field": "what", "type": "nominal"}}
    names = [f"by {attribution}" for attribution in content["attributions"]]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.55},
            "encoding": {**encoding, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": _by(names, 0)},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {**encoding, "color": _by(names, 0), "shape": _by(names, 1)},
        },
    ]
    description = f"Shares of {len(keys)} keys by publisher and by base, with what one repository can move"
    return draw(rows, layers, _title(content), description)


def _over_time(content: Mapping[str, Any]) -> Markup | None:
    keys = list(content["shares"])[:_MOST_LINES]
    names = [single_line(key, _LONGEST) for key in keys]
    rows = [
        {
            "day": str(point["data_date"]),
            "what": name,
            "value": group["share"],
            "low": group["low"],
            "high": group["high"],
            "doubt": f"in doubt: {', '.join(strong_codes(point))}" if strong_codes(point) else "",
        }
        for point in content["series"]
        for key, name in zip(keys, names, strict=True)
        if (group := point["groups"].get(key))
    ]
    x = {"field": "day", "type": "temporal", "axis": {"title": None, "format": "%Y-%m-%d"}}
    y = {"field": "value", "type": "quantitative", "axis": {"format": ".0%", "title": None}}
    colour = _by(names, 0)
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line"}, "encoding": {"x": x, "y": y, "color": colour}},
        {
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.55},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {
            "transform": [{"filter": "datum.doubt === ''"}],
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": _by(names, 1)},
        },
    ]
    description = f"Shares of {len(keys)} keys in {len(content['series'])} snapshots, with what one repository can move"
    if any(row["doubt"] for row in rows):
        layers += _in_doubt(names, x, y)
        days = dict.fromkeys(f"{row['day']} is {row['doubt']}" for row in rows if row["doubt"])
        description += f"; hollow where a strong warning stands: {'; '.join(days)}"
    return draw(rows, layers, _title(content), description, _HEIGHT)


def _in_doubt(names: list[str], x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    """Return hollow points for snapshots with a strong warning, and the warning in words above the highest."""
    doubtful = {"filter": "datum.doubt !== ''"}
    return [
        {
            "transform": [doubtful],
            "mark": {"type": "point", "filled": False, "size": 90, "strokeWidth": 2, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": _by(names, 0), "shape": _by(names, 1)},
        },
        {
            "transform": [doubtful, {"aggregate": [{"op": "max", "field": "high", "as": "top"}],
                                     "groupby": ["day", "doubt"]}],
            "mark": {"type": "text", "dy": -12, "align": "left", "color": "currentColor"},
            "encoding": {"x": x, "y": {**y, "field": "top"}, "text": {"field": "doubt", "type": "nominal"}},
        },
    ]  # fmt: skip


def _by(names: list[str], part: int) -> dict[str, Any]:
    """Return the encoding of colour (0) or shape (1)."""
    scale = {"domain": names, "range": [look[part] for look in _LOOKS[: len(names)]]}
    return {"field": "what", "type": "nominal", "scale": scale, "legend": {"orient": "top", "title": None}}
