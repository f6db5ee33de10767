"""How a load measurement reads on a terminal: a paragraph a stretch, a chart of the wait by rate, and what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, wrapped

if TYPE_CHECKING:
    from weighbridge.workflow.load.run import Order

__all__ = ["against_lines", "chart_lines", "end_lines", "plan_line", "point_lines"]

_WIDTH = 44
_NAMES = {"ttft": "TTFT", "tpot": "TPOT", "gap": "longest gap", "e2e": "end to end", "per_token": "per token"}
_QUANTILES = ("p50", "p90", "p95", "p99")
_SECOND = 1.0


def plan_line(order: Order) -> str:
    """Say what a run will send, before it does."""
    requests, tokens = order.will_send()
    many = "requests without a bound but the time" if requests is None else f"about {requests:,} requests at most"
    long = "" if tokens is None else f", {tokens:,} tokens in and out at most"
    closed = f"{order.most_closed} of them at most by {order.users} users who wait" if order.users else "no closed loop"
    advice = "; `--max-requests` bounds them" if requests is None else ""
    return f"will send {many}{long}; {closed}{advice}"


def point_lines(point: dict[str, Any]) -> list[str]:
    """Return the lines of one stretch."""
    name = f"{point['users']} users" if point["loop"] == "closed" else f"{point['rate']:g}/s"
    speed = "?" if point["output_tokens_s"] is None else f"{point['output_tokens_s']:.1f}"
    head = f"{point['requests']} requests in {point['seconds']:.0f} s, {speed} tokens/s"
    lines = [line(name, head, "" if point["valid"] else "NOT VALID")]
    for reason in point["invalid_because"]:
        lines += wrapped(f"not valid: {reason}")
    if point["loop"] == "closed":
        lines.append(line("", "a closed loop: it hides the wait of those who would have come meanwhile"))
    lines += [line("", f"{label:<12} {_quantiles(point[metric])}") for metric, label in _NAMES.items()]
    lines += [line("", _slo(metric, one), one["verdict"].upper()) for metric, one in point["slo"].items()]
    for metric, one in point["slo"].items():
        if one["alike"]:
            words = f"blocks near in time fare alike (rank correlation {one['correlation']:.2f}): `--block` longer"
            lines.append(line("", f"{_NAMES[metric]}: {words}"))
    if point["goodput"] is not None and point["slo"]:
        lines.append(line("", f"goodput {_percent(point['goodput'])} met all levels at once"))
    lines += _trouble(point)
    return lines


def _trouble(point: dict[str, Any]) -> list[str]:
    """Return what went wrong, and what to know."""
    lines = []
    if lost := point["errors"] + point["timeouts"]:
        lines.append(line("", f"{point['errors']} errors, {point['timeouts']} time-outs: slower than all others"))
    lines += [line("", f"  {count} x {detail}") for detail, count in point["failures"].items()] if lost else []
    if point["short"]:
        lines.append(line("", f"{point['short']} answers were shorter than asked for"))
    if point["growing"]:
        lines.append(
            line("", f"the queue grew by {point['growth']:.2g} requests a second: waits only say how long we looked")
        )
    for note in point["notes"]:
        lines += wrapped(f"note: {note}")
    if point["stopped"] in {"interrupted", "budget"}:
        lines.append(line("", f"stopped before its time: {point['stopped']}"))
    return lines


def _quantiles(body: dict[str, Any], *, unit: bool = True) -> str:
    """Write the percentiles that are known, with their intervals."""
    parts = []
    for name in _QUANTILES:
        if (one := body[name]) is not None:
            value, low, high = ((_time(one[key]) if unit else f"{one[key]:.2f}") for key in ("value", "low", "high"))
            parts.append(f"{name} {value} [{low}, {high}]")
        elif (beyond := body["beyond"].get(name)) is not None:
            parts.append(
                f"{name} {'beyond the time-out' if beyond['value'] is None else _time(beyond['value']) + ' or more'}"
            )
    return "  ".join(parts) or "too few requests, or too short, to say: p50 takes 20 of them in 10 blocks of time"


def _slo(metric: str, one: dict[str, Any]) -> str:
    """Write one level and what was found."""
    found = (
        "nothing measured" if one["exceeded"] is None else f"{_percent(one['exceeded'])} above {_time(one['limit_s'])}"
    )
    return f"{_NAMES[metric]}: {found}, {one['allowed']:.3g} allowed".replace(
        f"{one['allowed']:.3g} allowed", f"{100 * one['allowed']:.3g}% allowed"
    )


def _percent(estimate: dict[str, Any]) -> str:
    """Write a share with its interval."""
    value, low, high = (f"{100 * estimate[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value}% [{low}, {high}]"


def _time(seconds: float) -> str:
    """Write seconds, or milliseconds below one."""
    return f"{seconds:.3g} s" if seconds >= _SECOND else f"{1000 * seconds:.3g} ms"


def chart_lines(body: dict[str, Any]) -> list[str]:
    """Draw TTFT by rate on a logarithmic scale: `o` p50, `=` up to p95, `>` beyond the time-out, `|` the level."""
    points = [point for point in body["points"] if point["loop"] == "open" and point["ttft"]["p50"] is not None]
    limit = body["slo"].get("ttft", {}).get("limit_s")
    known = [one["value"] for point in points for one in (point["ttft"]["p50"], point["ttft"]["p95"]) if one]
    known = [value for value in (*known, *([limit] if limit else [])) if value > 0]
    if not points or not known:
        return []
    low, high = math.log(min(known)), math.log(max(known) * 1.001)

    def place(value: float) -> int:
        return round((_WIDTH - 1) * (math.log(max(value, min(known))) - low) / max(high - low, 1e-9))

    lines = ["", line("TTFT", f"{_time(min(known))}{'':<{_WIDTH - 12}}{_time(max(known))}")]
    for point in points:
        cells, p50, p95 = ["."] * _WIDTH, point["ttft"]["p50"], point["ttft"]["p95"]
        if limit:
            cells[place(limit)] = "|"
        start = place(p50["value"])
        end = place(p95["value"]) if p95 else (_WIDTH - 1 if "p95" in point["ttft"]["beyond"] else start)
        for cell in range(start, end + 1):
            cells[cell] = "="
        if p95 is None and "p95" in point["ttft"]["beyond"]:
            cells[-1] = ">"
        cells[start] = "o"
        lines.append(line(f"{point['rate']:g}/s", "".join(cells)))
    return [*lines, line("", "o p50, = up to p95" + (", | the level" if limit else ""))]


def against_lines(against: dict[str, Any] | None) -> list[str]:
    """Return what the other model's turns say."""
    if against is None:
        return []
    lines = ["", line("against", f"{against['baseline_name']}, {against['rounds']} rounds of A B B A")]
    lines += [
        line("", f"{_NAMES[metric]:<12} times the other's: {_quantiles(ratios, unit=False)}")
        for metric, ratios in against["ratios"].items()
    ]
    for metric, one in against["slower"].items():
        words = f"{_NAMES[metric]}: not more than {100 * (one['allowed'] - 1):.3g}% slower at p95"
        lines.append(line("", words, one["verdict"].upper()))
    if not against["baseline_point"]["valid"]:
        lines += wrapped(
            f"the other's figures are not valid: {'; '.join(against['baseline_point']['invalid_because'])}"
        )
    return lines


def end_lines(body: dict[str, Any]) -> list[str]:
    """Return the highest rate, the roofline, and the cost."""
    lines, head = [""], body["headline"]
    if body["best_rate"] is not None:
        lines.append(
            line("rate", f"{body['best_rate']:g} requests a second is the highest measured that met all levels")
        )
    elif body["slo"]:
        lines.append(line("rate", "no rate measured was shown to meet all levels"))
    if roof := body["roofline"]:
        devices = f"{roof['devices']} x {roof['device']}"
        words = f"{roof['measured_tokens_s']:.1f} of at most {roof['bound_tokens_s']:.1f} tokens/s on {devices}"
        lines.append(
            line("roofline", f"{words}, {roof['sequences']} at once", f"{roof['share']:.0%}, {roof['binds']} binds")
        )
    closed = body["points"][0]
    for name, point in (("cost", closed), ("", head)):
        if (usd := point["usd_per_million_output"]) is not None and (name or point != closed):
            at = f"{point['users']} users" if point["loop"] == "closed" else f"{point['rate']:g} requests a second"
            lines.append(line(name, f"{usd:.3g} $ a million output tokens at {at}, prompts included"))
    if prices := body["list_prices"]:
        cheapest = min(prices, key=lambda host: prices[host])
        lines.append(line("", f"list price of {cheapest}: {prices[cheapest]:g} $ a million output tokens"))
    lag = head["lag_p99_s"]
    if lag is not None:
        lines.append(
            line("client", f"sent {_time(lag)} late at p99, {head['client_cpu']:.0%} of one core; {body['machine']}")
        )
    traffic = body["traffic"]
    eos = "ignore_eos sent" if traffic["ignore_eos"] else "answers end where the model ends them"
    shared = f"first {traffic['shared_tokens']} tokens shared" if traffic["shared_tokens"] else "no prefix shared"
    lines.append(line("traffic", f"{', '.join(traffic['shapes'])} tokens, {traffic['form']}, {eos}, {shared}"))
    return lines
