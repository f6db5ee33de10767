"""Charts: Vega-Lite specs rendered to SVG by vl-convert, with inline data and no network.

Blue for the candidate, grey for the baseline or chance, orange for what asks for attention: three hues that
colour blindness keeps apart, and each has its own shape as well. Text takes the colour of the page around it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.figure import Figures

__all__ = ["BLUE", "GREY", "ORANGE", "difference_plot", "draw", "share_plot"]

BLUE, GREY, ORANGE = "#2f7ed8", "#808893", "#d97706"

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_VERSION = "6.4"
_LABEL_CHARACTERS = 60
_LABEL_PIXELS = 330
_LAST_NARROW = 0x2E80  # from here on letters are as wide as they are high
_WIDTH = 480
_STEP = 30
_CONFIG = {
    "font": "system-ui, sans-serif",
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "domainColor": "currentColor",
        "tickColor": "currentColor", "gridColor": "currentColor", "gridOpacity": 0.12, "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": _LABEL_PIXELS,
    },
    "legend": {"labelColor": "currentColor", "labelFontSize": 12, "symbolSize": 90},
    "view": {"stroke": None},
}  # fmt: skip


def share_plot(dossier: Dossier, figures: Figures) -> Markup | None:
    """Return the interval plot of all shares against thresholds and chance, or None without the extra or data."""
    t = figures.locale
    rows: list[dict[str, Any]] = []
    drawn = [(share, share.estimate) for share in dossier.shares if share.estimate]
    for share, found in drawn:
        label = _label(share.title, t.label("measure", share.measure))
        if share.chance:
            rows.append({"label": label, "what": t("measured.chance"), "x": share.chance})
        rows += [
            {"label": label, "what": t(f"measured.{demand.operator}"), "x": demand.threshold}
            for demand in dossier.demands(share.record, share.measure)
        ]
        rows.append({"label": label, "what": t("measured.candidate"), "x": found.value})
        rows[-1] |= {"low": found.low, "high": found.high}
    axis = {"format": ".0%", "title": None, "tickCount": 6}
    looks = {
        t("measured.candidate"): (BLUE, "circle"),
        t("measured.at-least"): (ORANGE, "triangle-right"),
        t("measured.at-most"): (ORANGE, "triangle-left"),
        t("measured.chance"): (GREY, "cross"),
    }
    layers = _interval_layers(rows, looks, {"domain": [0, 1]}, axis)
    description = t("measured.chart_description", count=len(drawn))
    return draw(rows, layers, t("measured.chart"), description)


def difference_plot(dossier: Dossier, figures: Figures) -> Markup | None:
    """Return the plot of paired differences, zero drawn and margins marked, or None without the extra or data."""
    t = figures.locale
    rows: list[dict[str, Any]] = []
    for record in dossier.comparisons:
        found = record.body.difference
        label = _label(dossier.titles[record.id], record.body.baseline_name)
        rows += [
            {"label": label, "what": t("measured.margin"), "x": 100 * demand.threshold, "zero": 0}
            for demand in dossier.demands(record, "difference")
        ]
        rows.append({"label": label, "what": t("measured.candidate"), "x": 100 * found.value})
        rows[-1] |= {"low": 100 * found.low, "high": 100 * found.high, "zero": 0}
    axis = {"format": "+", "title": t("measured.difference_axis")}
    # The margin is shaded from zero to what the rule allows.
    shade: dict[str, Any] = {
        "transform": [{"filter": {"field": "what", "equal": t("measured.margin")}}],
        "mark": {"type": "bar", "color": ORANGE, "opacity": 0.22, "size": _STEP},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "x2": {"field": "zero"}, "y": _y(rows)},
    }
    zero: dict[str, Any] = {
        "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 3]},
        "encoding": {"x": {"datum": 0}},
    }
    looks = {t("measured.candidate"): (BLUE, "circle"), t("measured.margin"): (ORANGE, "triangle-right")}
    ends = [float(row[end]) for row in rows for end in ("x", "low", "high") if end in row]
    scale = {"domain": [min([*ends, -1]) - 1, max([*ends, 1]) + 1], "nice": True}
    layers = [shade, zero, *_interval_layers(rows, looks, scale, axis)]
    description = t("measured.difference_description", count=len(dossier.comparisons))
    return draw(rows, layers, t("measured.difference_chart"), description)


def _label(*parts: str) -> str:
    """Return a row's label from text that strangers wrote."""
    return " · ".join(single_line(part, _LABEL_CHARACTERS) for part in parts)


def _y(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the encoding of rows, in the order given, with room for the longest label in any font."""
    widest = max((sum(13 if ord(letter) > _LAST_NARROW else 7.2 for letter in row["label"]) for row in rows), default=0)
    axis = {"minExtent": min(widest, _LABEL_PIXELS)}
    return {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": axis}


def _interval_layers(
    rows: list[dict[str, Any]], looks: dict[str, tuple[str, str]], scale: dict[str, Any], axis: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the layers of intervals and points; `looks` gives colour and shape of each kind of point that occurs."""
    present = [kind for kind in looks if any(row["what"] == kind for row in rows)]
    x = {"field": "x", "type": "quantitative", "scale": scale, "axis": axis}
    legend = {"orient": "top", "title": None, "direction": "horizontal", "columnPadding": 36}

    def by_kind(part: int) -> dict[str, Any]:
        """Return the encoding of colour (0) or shape (1)."""
        chosen = {"domain": present, "range": [looks[kind][part] for kind in present]}
        return {"field": "what", "type": "nominal", "scale": chosen, "legend": legend}

    interval = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "color": BLUE, "strokeWidth": 4, "opacity": 0.55},
        "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": _y(rows)},
    }
    points = {
        "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
        "encoding": {"x": x, "y": _y(rows), "color": by_kind(0), "shape": by_kind(1)},
    }
    return [interval, points]


def draw(
    rows: list[dict[str, Any]],
    layers: list[dict[str, Any]],
    title: str,
    description: str,
    height: int | None = None,
) -> Markup | None:
    """Render a spec to an SVG that speaks for itself to a screen reader."""
    if not rows or find_spec("vl_convert") is None:
        return None
    import vl_convert

    spec = {
        "$schema": _SCHEMA,
        "background": None,
        "padding": 4,
        "width": _WIDTH,
        "height": height or {"step": _STEP},
        "config": _CONFIG,
        "data": {"values": rows},
        "layer": layers,
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, allowed_base_urls=[])
    named = f'<svg role="img" aria-label="{escape(description)}" '
    opened, rest = str(svg).replace("<svg ", named, 1).split(">", 1)
    return Markup(f"{opened}><title>{escape(title)}</title>{rest}")  # noqa: S704 - vl-convert escapes the data
