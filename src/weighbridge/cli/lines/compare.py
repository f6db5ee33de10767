"""How a comparison reads on a terminal: the verdict, the interval, what it cost, and the flips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, plain
from weighbridge.dossier.visible import cut

if TYPE_CHECKING:
    from weighbridge.statistics.multiple import GateVerdict
    from weighbridge.workflow.evaluation.compare import Forecast

__all__ = ["comparison_lines", "flip_lines", "forecast_lines", "full_verdict", "gate_lines"]

_SHOWN = 100
_WIDTH = 41  # characters of the picture; odd, so that 0 has a middle


def comparison_lines(body: dict[str, Any], margin: float | None = None) -> list[str]:
    """Return the lines of one `comparison/v1`; `margin` (a share) is what whole runs are held against."""
    name, ended, difference = body["suite"]["name"], body.get("sequential"), body["difference"]
    if ended is None:
        said = full_verdict(difference, margin)
        head = line("compared", f"{name}  {said}{_points(difference)}  {body['form']} form", f"n={difference['n']}")
        return [head, line("", _picture(difference, margin)), _flips(body, f"; p = {body['p_value']:.3g}")]
    drawn, size = ended["drawn"], body["suite"]["size"]
    verdict = (ended["verdict"] or "undecided").upper()
    lines = [
        line("compared", f"{name}  {verdict}  {_points(ended['finite'])}", f"{drawn} of {size} questions drawn"),
        line("", _picture(ended["finite"], ended["margin"])),
        line("", f"on questions like these: {_points(difference)}  {body['form']} form"),
        _calls(ended),
    ]
    if _reaches_not(ended, difference):
        lines.append(line("", "this holds for these questions; others like them could say the opposite"))
    if ended["missing"]:
        lines.append(line("", f"{ended['missing']} answers could not be marked, and count against either verdict"))
    if ended["verdict"] is None:
        lines.append(line("", _undecided(ended)))
    return [*lines, _flips(body)]


def full_verdict(difference: dict[str, Any], margin: float | None) -> str:
    """Return what whole runs say at a margin, as questions like these; "" without one."""
    if margin is None:
        return ""
    if difference["low"] > -margin:
        return "NONINFERIOR  "
    return "INFERIOR  " if difference["high"] < -margin else "UNDECIDED  "


def _reaches_not(ended: dict[str, Any], difference: dict[str, Any]) -> bool:
    """Say whether the interval for questions like these leaves the side on which the verdict lies."""
    threshold = -(ended["margin"] or 0.0)
    if ended["verdict"] in {"noninferior", "better"}:
        return bool(difference["low"] <= threshold)
    return ended["verdict"] is not None and bool(difference["high"] >= threshold)


def _calls(ended: dict[str, Any]) -> str:
    """Say what it cost against whole runs."""
    share = ended["calls"] / ended["full_calls"]
    stored = "; the baseline's whole run was stored" if ended["baseline_stored"] else ""
    models = ended["history"]
    learnt = f", {models} earlier model{'s' if models != 1 else ''}" if models else ""
    return line("", f"{ended['calls']} of {ended['full_calls']} calls ({share:.1%}){stored}{learnt}")


def _undecided(ended: dict[str, Any]) -> str:
    """Say why there is no verdict."""
    if ended["reason"] == "budget":
        return "the budget is spent: raise `--budget`, and the same command goes on"
    if ended["missing"]:
        return "what could not be marked might turn the verdict: raise the token budget of the suite"
    return "the two are exactly as good on this suite"


def _flips(body: dict[str, Any], more: str = "") -> str:
    """Count who is right alone."""
    total = body["both"] + body["neither"] + body["candidate_only"] + body["baseline_only"]
    alone = f"only the candidate right {body['candidate_only']}, only the baseline {body['baseline_only']}"
    return line("", f"{alone}, of {total}{more}")


def _points(estimate: dict[str, Any]) -> str:
    """Write a difference of shares in points, with its interval."""
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:+.1f} points [{low:+.1f}, {high:+.1f}]"


def _picture(estimate: dict[str, Any], margin: float | None) -> str:
    """Draw the interval on a line around 0: `(` marks the margin, `|` zero, `=` the interval, `o` the estimate."""
    reach: float = min(1.0, max(abs(estimate["low"]), abs(estimate["high"]), 1.5 * (margin or 0.0), 0.01))
    middle = _WIDTH // 2

    def place(value: float) -> int:
        return round(middle + middle * max(-1.0, min(1.0, value / reach)))

    cells = ["."] * _WIDTH
    for cell in range(place(estimate["low"]), place(estimate["high"]) + 1):
        cells[cell] = "="
    cells[middle] = "|"
    if margin is not None:
        cells[place(-margin)] = "("
    cells[place(estimate["value"])] = "o"
    return f"{-100 * reach:+.0f} {''.join(cells)} {100 * reach:+.0f} points"


def flip_lines(body: dict[str, Any], most: int) -> list[str]:
    """Return the first flips with both answers, losses before gains."""
    rows = {row["id"]: row for row in body.get("drawn", ())}
    flips = [rows[item] for item in body["flips"] if item in rows]
    flips.sort(key=lambda row: row["candidate"] == "right")
    lines = []
    for row in flips[:most]:
        sign = "gained" if row["candidate"] == "right" else "lost"
        lines += [
            line(sign, f"{row['id']}: {_short(row['question'])}"),
            line("", f"expected {_short(row['expected'])}" if row["expected"] else ""),
            line("", f"candidate: {_short(row['said'])}"),
            line("", f"baseline:  {_short(row['baseline_said'])}"),
        ]
    return [one for one in lines if one]


def _short(text: str) -> str:
    """Return the beginning of a text on one line."""
    return cut(plain(text), _SHOWN)


def gate_lines(together: GateVerdict) -> list[str]:
    """Return what several suites say together."""
    words = {"adopt": "NONINFERIOR ON ALL", "block": "INFERIOR", "undecided": "UNDECIDED"}
    lines = [line("together", words[together.verdict])]
    for label, names in (("cleared", together.cleared), ("worse", together.blamed), ("open", together.open)):
        if names:
            lines.append(line("", f"{label}: {', '.join(names)}"))
    return lines


def forecast_lines(one: Forecast, margin: float) -> list[str]:
    """Return what a comparison on one suite would take."""
    size = len(one.suite.items)
    who = "the candidate alone: the baseline's run is stored" if one.baseline_stored else "both models"
    models = f"{one.history} earlier model{'s' if one.history != 1 else ''}"
    lines = [line("would take", f"{one.suite.name}: {size} questions; asks {who}; {models}")]
    for gap, drawn in one.drawn_by_gap.items():
        lines.append(line("", f"{100 * gap:g} from the threshold: about {drawn} questions ({drawn / size:.0%})"))
    if one.detectable is None:
        lines.append(line("", "too few questions to show anything about others like them"))
    else:
        least, threshold = f"{100 * one.detectable:+.1f}", f"{-100 * margin:g}"
        lines.append(line("", f"about others like them, all {size} tell a true {least} points from {threshold}"))
    return lines
