"""The charts of the pilot, drawn as those of the dossier are: in SVG on the server, each with its table beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, draw
from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

__all__ = ["agreement_plot", "cost_plot", "latency_plot", "share_plot"]

_HEIGHT = 150
_MOST_ROWS = 4000
_HOUR_S = 3600
_FEW = 60  # points that can be told apart
_DAY_S = 86_400
_APART = {"labelOverlap": True, "labelSeparation": 8}  # labels that would touch are left out


def latency_plot(slots: Sequence[Mapping[str, Any]], language: str) -> Markup | None:
    """Draw seconds over time, on a log scale, of the rows of a board: quantiles to the end, the median to the first."""
    rows = []
    for slot in slots:
        curves = {**slot["total_s"], "first": slot["first_s"]["p50"]}
        rows += [{"at": slot["at"], "what": name, "y": y} for name, y in curves.items() if y]
    return _drawn("latency", json.dumps(rows[-_MOST_ROWS:]), language)


def share_plot(slots: Sequence[Mapping[str, Any]], language: str) -> Markup | None:
    """Draw the shares of answers that declined and of requests that failed, over time, of the rows of a board.

    By the hour, or by six hours where the rows go over more than a day: a share of three answers says nothing.
    """
    span = _HOUR_S if not slots or slots[-1]["at"] - slots[0]["at"] <= _DAY_S else 6 * _HOUR_S
    sums: dict[tuple[int, str], list[int]] = {}
    for slot in slots:
        start = slot["at"] // span * span
        counts = {"refused": (slot["refused"]["count"], slot["refused"]["of"]),
                  "failed": (slot["failed"], slot["looked_at"])}  # fmt: skip
        for name, (n, of) in counts.items():
            total = sums.setdefault((start, name), [0, 0])
            total[0] += n
            total[1] += of
    rows = [{"at": at, "what": name, "y": n / of} for (at, name), (n, of) in sums.items() if of]
    return _drawn("shares", json.dumps(rows), language)


def cost_plot(days: Sequence[Mapping[str, Any]], language: str) -> Markup | None:
    """Draw dollars by day as bars."""
    return _drawn("cost", json.dumps([{"day": one["day"], "y": one["usd"]} for one in days]), language)


def agreement_plot(bands: Sequence[Mapping[str, Any]], language: str) -> Markup | None:
    """Draw how many pairs agree how far: `low`, `high` and `count` of each band; those alike are told beside."""
    rows = [{"low": one["low"], "high": one["high"], "y": one["count"]} for one in bands if one["low"] < one["high"]]
    return _drawn("agreement", json.dumps(rows if any(row["y"] for row in rows) else []), language)


@lru_cache(maxsize=128)
def _drawn(kind: str, data: str, language: str) -> Markup | None:
    """Draw once what is asked for again each time a page is read."""
    t = load_locale(language)
    rows: list[dict[str, Any]] = json.loads(data)
    for row in rows:
        if "what" in row:
            row["what"] = t(f"pilot.curve_{row['what']}")
    times = sorted({row["at"] for row in rows if "at" in row})
    if len(times) == 1:
        return None  # one point in time is no line: the table says it
    layers = {"latency": _latency, "shares": _shares, "cost": _cost, "agreement": _agreement}[kind](t)
    for row in rows:
        if "at" in row:
            row["at"] = _iso(row["at"])
    if times:
        layers[0]["encoding"]["x"]["axis"]["format"] = "%H:%M" if times[-1] - times[0] <= _DAY_S else "%m-%d"
    if 0 < len(times) <= _FEW:
        layers[0]["mark"]["point"] = {"size": 12}
    return draw(rows, layers, t(f"pilot.{kind}_chart"), t(f"pilot.{kind}_described"), _HEIGHT)


def _latency(t: Any) -> list[dict[str, Any]]:
    words = [t(f"pilot.curve_{name}") for name in ("p50", "p95", "p99", "first")]
    y = {
        "field": "y",
        "type": "quantitative",
        "scale": {"type": "log"},
        "axis": {"title": t("pilot.seconds"), "tickCount": 4},
    }
    return [_line(y, words, [BLUE, ORANGE, ORANGE, GREY], [[1, 0], [1, 0], [2, 2], [6, 3]])]


def _shares(t: Any) -> list[dict[str, Any]]:
    words = [t("pilot.curve_refused"), t("pilot.curve_failed")]
    y = {"field": "y", "type": "quantitative", "axis": {"title": None, "format": ".1%", "tickCount": 4}}
    return [_line(y, words, [BLUE, ORANGE], [[1, 0], [4, 2]])]


def _cost(t: Any) -> list[dict[str, Any]]:
    axis = {**_APART, "title": None, "labelAngle": 0, "labelExpr": "slice(datum.label, 5)"}
    x = {"field": "day", "type": "ordinal", "axis": axis}
    y = {"field": "y", "type": "quantitative", "axis": {"title": t("pilot.dollars"), "tickCount": 4}}
    return [{"mark": {"type": "bar", "color": BLUE}, "encoding": {"x": x, "y": y}}]


def _agreement(t: Any) -> list[dict[str, Any]]:
    x = {
        "field": "low",
        "type": "quantitative",
        "bin": {"binned": True},
        "axis": {**_APART, "title": t("pilot.agreement"), "format": ".0%"},
    }
    y = {"field": "y", "type": "quantitative", "axis": {"title": t("pilot.pairs"), "tickCount": 4}}
    return [{"mark": {"type": "bar", "color": BLUE}, "encoding": {"x": x, "x2": {"field": "high"}, "y": y}}]


def _line(y: dict[str, Any], words: list[str], colours: list[str], dashes: list[list[int]]) -> dict[str, Any]:
    """Return lines that colour and dash tell apart."""
    legend = {"orient": "top", "title": None, "symbolType": "stroke"}
    colour = {"field": "what", "type": "nominal", "scale": {"domain": words, "range": colours}, "legend": legend}
    dash = {**colour, "scale": {"domain": words, "range": dashes}}
    axis = {**_APART, "title": None, "tickCount": 6}
    time = {"field": "at", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    mark = {"type": "line", "strokeWidth": 1.5}
    return {"mark": mark, "encoding": {"x": time, "y": y, "color": colour, "strokeDash": dash}}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
