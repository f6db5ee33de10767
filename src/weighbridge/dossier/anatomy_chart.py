"""Pictures of an anatomy: what the parameters are spent on, and memory against context beside what devices hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, draw
from weighbridge.inspection.fit.devices import devices

if TYPE_CHECKING:
    from markupsafe import Markup

    from weighbridge.core.kinds import AnatomyV2
    from weighbridge.dossier.figure import Figures

__all__ = ["memory_plot", "parts_plot"]

_HEIGHT = 240
_BINARY = "datum.value / 1024 + ' Ki'"
_GIB = 2**30
# one device of each size that people buy, and boxes of eight
_LINES = (
    ("rtx-4090", 1), ("l40s", 1), ("h100-sxm", 1), ("h200-sxm", 1), ("mi300x", 1), ("h100-sxm", 2), ("h100-sxm", 4),
    ("h100-sxm", 8), ("h200-sxm", 8), ("b300-sxm", 8),
)  # fmt: skip
_MOST_LINES = 4
_LABELS = 190  # pixels: the longest name of a part in any font
_FAR = 8  # a line this many times above all figures would flatten them


def parts_plot(anatomy: AnatomyV2, figures: Figures) -> Markup | None:
    """Return bars of the parameters by part, largest first, or None without the extra or parts."""
    t = figures.locale
    parts = sorted(anatomy.parameters.parts.items(), key=lambda pair: -pair[1])
    rows = [
        {"label": t.label("part", name), "count": count, "said": figures.parameters(count).partition(" (")[0]}
        for name, count in parts
        if count
    ]
    y = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"minExtent": _LABELS}}
    x = {
        "field": "count",
        "type": "quantitative",
        "axis": {"format": "~s", "labelExpr": "replace(datum.label, 'G', 'B')", "title": t("model.parts_axis")},
    }
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "color": BLUE, "opacity": 0.75}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "text", "align": "left", "dx": 4, "color": "currentColor"},
            "encoding": {"x": x, "y": y, "text": {"field": "said"}},
        },
    ]
    return draw(rows, layers, t("model.parts_chart"), t("model.parts_description", count=len(rows)))


def memory_plot(anatomy: AnatomyV2, figures: Figures) -> Markup | None:
    """Return weights and cache of one sequence against its length, with lines at what devices hold.

    None without the extra, the weights' bytes or the cache. Runtime buffers are not in it: `weighbridge fit` adds them.
    """
    t, weights, cache = figures.locale, anatomy.weights.bytes, anatomy.kv_cache.bytes_at
    if weights is None or not cache:
        return None
    longest = max(anatomy.context_length or 0, 8192)
    spans = {int(length): n_bytes for length, n_bytes in cache.items() if int(length) <= longest}
    rows: list[dict[str, Any]] = [
        {"tokens": length, "low": 0.0, "high": weights / _GIB, "what": t("measure.weights")} for length in spans
    ]
    rows += [
        {"tokens": length, "low": weights / _GIB, "high": (weights + n_bytes) / _GIB, "what": t("measure.kv_cache")}
        for length, n_bytes in spans.items()
    ]
    lines = list(_device_lines(weights / _GIB, max(row["high"] for row in rows), max(spans)))
    x = {"field": "tokens", "type": "quantitative", "scale": {"type": "log", "base": 2, "nice": False},
         "axis": {"labelExpr": _BINARY, "title": t("model.memory_tokens"), "values": list(spans)}}  # fmt: skip
    colours = {"domain": [t("measure.weights"), t("measure.kv_cache")], "range": [GREY, BLUE]}
    area = {
        "transform": [{"filter": "isValid(datum.high)"}],
        "mark": {"type": "area", "opacity": 0.6, "line": True},
        "encoding": {
            "x": x,
            "y": {"field": "low", "type": "quantitative", "axis": {"title": "GiB"}},
            "y2": {"field": "high"},
            "color": {"field": "what", "type": "nominal", "scale": colours, "legend": {"orient": "top", "title": None}},
        },
    }
    rule = {
        "transform": [{"filter": "isValid(datum.line)"}],
        "mark": {"type": "rule", "color": ORANGE, "strokeDash": [5, 3], "strokeWidth": 1.5},
        "encoding": {"y": {"field": "line", "type": "quantitative"}},
    }
    text = {
        "transform": [{"filter": "isValid(datum.line)"}],
        "mark": {"type": "text", "align": "right", "dy": -6, "color": "currentColor"},
        "encoding": {"x": x, "y": {"field": "line", "type": "quantitative"}, "text": {"field": "name"}},
    }
    title, description = t("model.memory_chart"), t("model.memory_description", count=len(lines))
    return draw([*rows, *lines], [area, rule, text], title, description, _HEIGHT)


def _device_lines(weights: float, most: float, tokens: int) -> list[dict[str, Any]]:
    """Return lines at the memory of the smallest devices that hold the weights, and of the next ones."""
    known = devices()
    found: dict[int, dict[str, Any]] = {}
    for name, count in _LINES:
        memory = known[name].memory
        if memory is not None and (held := count * memory.low / _GIB) >= weights:
            label = f"{count} x {known[name].name}" if count > 1 else known[name].name
            found.setdefault(round(held), {"line": held, "name": label, "tokens": tokens})
    heights = sorted(found)
    wanted = [held for held in heights if held <= 2 * most] or [held for held in heights[:1] if held <= _FAR * most]
    return [found[held] for held in wanted[:_MOST_LINES]]
