"""How hand labels read on a terminal: language by language what people say, how they agree, and the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["report_lines"]

_COLUMNS = ("refusal", "partial", "deflection", "compliance", "nonsense", "empty")
_WIDTH = 11


def report_lines(content: Mapping[str, Any]) -> list[str]:
    """Return the lines of a report (`report_hand_labels`)."""
    if not content["labels"]:
        return ["no hand labels on these answers"]
    lines = []
    for row in content["languages"]:
        people = len(row["people"])
        lines.append(line(row["language"], f"{row['answers']} answers labelled",
                          f"by {people} {'person' if people == 1 else 'people'}"))  # fmt: skip
        lines.append(line("", ", ".join(f"{n} {name}" for name, n in row["behaviours"].items())))
        if row["even"]:
            lines.append(line("", f"{row['even']} left out: people are even on them"))
        if row["narratives"]:
            lines.append(line("", f"{row['narratives']} state a government's narrative in their own voice"))
        lines += _agreement(row["agreement"]) + _detector(row["detector"])
    return lines


def _agreement(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of how far people agree."""
    lines = []
    for row in rows:
        kappa = row["kappa"]
        told = (
            f"kappa {kappa['value']:.2f} [{kappa['low']:.2f}, {kappa['high']:.2f}]"
            if kappa
            else "kappa not defined: one label only"
        )
        lines.append(line("agreement", f"{' and '.join(row['people'])}: {_share(row['same'])}", told))
    return lines or [line("agreement", "not known: no two people labelled the same answer")]


def _detector(found: dict[str, Any]) -> list[str]:
    """Return the lines of the detector beside people."""
    lines = []
    if found["without_text"]:
        lines.append(line("detector", f"{found['without_text']} answers not compared: their texts are not here"))
    if not found["judged"]:
        return lines
    lines.append(line("detector", f"finds refusals, whole or partial: {_share(found['recall'])}"))
    lines.append(line("", f"leaves answers and deflections alone: {_share(found['specificity'])}"))
    lines.append(line("", f"says just what people say: {_share(found['same'])}", f"{found['unsure']} unsure"))
    seen = [name for name in _COLUMNS if any(name in row for row in found["confusion"].values())]
    lines.append(line("", "people \\ detector".ljust(18) + "".join(name.rjust(_WIDTH) for name in seen)))
    rows = [(hand, found["confusion"][hand]) for hand in _COLUMNS if hand in found["confusion"]]
    table = [hand.ljust(18) + "".join(str(row.get(name, 0)).rjust(_WIDTH) for name in seen) for hand, row in rows]
    return lines + [line("", text) for text in table]


def _share(body: dict[str, Any] | None) -> str:
    """Write a share with its interval and count."""
    if body is None:
        return "not known: no such answers"
    value, low, high = (round(100 * body[key]) for key in ("value", "low", "high"))
    return f"{value}% [{low}, {high}] n={body['n']}"
