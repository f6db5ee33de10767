"""How evidence reads on a terminal: one line a thing, a number never without interval and count."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.layout import line, size, wrapped
from weighbridge.cli.options import DEFAULT_WORKSPACE
from weighbridge.core.digest import short
from weighbridge.dossier.visible import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.decide import Decision

__all__ = [
    "decision_lines",
    "estimate",
    "evidence_lines",
    "in_workspace",
    "pinned_line",
    "print_json",
    "program",
    "share",
    "verdict_code",
]

_MAX_FINDINGS = 20
_CODES = {"adopt": 0, "adopt-with-conditions": 10, "hold": 11, "reject": 12}
_READINGS = {"constrained": "letters that the engine forced", "generated": "written answers"}
_MARKS = {"pass": "met", "fail": "not met", "unknown": "not known"}


def print_json(schema: str, content: dict[str, Any]) -> None:
    """Print one JSON document on stdout, with its schema."""
    from pydantic_core import to_json  # with an indent json works in Python: 25 us an item of a suite, this 2

    document = {"schema": f"weighbridge/{schema}/v1", **content}
    try:
        text = to_json(document, indent=2).decode()
    except ValueError:  # half a surrogate pair
        text = json.dumps(document, ensure_ascii=False, indent=2)
    click.echo(text)


def verdict_code(decision: Decision, *, plain: bool) -> int:
    """Return the exit code of a verdict; 0 where the user wants no verdict code."""
    return 0 if plain else _CODES[decision.verdict]


def estimate(body: dict[str, Any] | None, *, scale: float = 1, unit: str = "", digits: int = 2) -> str:
    """Write an estimate with its interval and count, or say that too few answers could be marked."""
    if body is None:
        return "not known: too few answers to say"
    value, low, high = (f"{body[key] * scale:.{digits}f}" for key in ("value", "low", "high"))
    lost = f", {body['unscored']} unscored" if body["unscored"] else ""
    return f"{value}{unit} [{low}, {high}]  n={body['n']}{lost}"


def share(body: dict[str, Any] | None) -> str:
    """Write a share in percent with its interval and count."""
    return estimate(body, scale=100, unit="%", digits=0)


def pinned_line(artefact: Artefact) -> str:
    """Say what was pinned."""
    if artefact.is_endpoint:
        return line("hub", "an endpoint: only behaviour can be looked at, the weights behind it are not pinned")
    files = len(artefact.files)
    left = f", {len(artefact.left_alone)} left alone" if artefact.left_alone else ""
    return line(
        "hub",
        f"pinned at sha256:{short(artefact.digest)}",
        f"{files} file{'s' if files != 1 else ''}, {size(artefact.total_bytes)}{left}",
    )


def evidence_lines(evidence: Sequence[Evidence]) -> list[str]:
    """Return the lines that say what a set of statements found."""
    return [line for statement in evidence for line in _writer(statement.kind)(statement.body)]


def _writer(kind: str) -> Callable[[dict[str, Any]], list[str]]:
    """Return what writes the lines of a kind; the larger ones are imported when they are called for."""
    if kind in _WRITERS_APART:
        module, _, name = _WRITERS_APART[kind].partition(":")
        written: Callable[[dict[str, Any]], list[str]] = getattr(import_module(module), name)
        return written
    return _WRITERS.get(kind, lambda _body: [])


def _files(body: dict[str, Any]) -> list[str]:
    counts = body["findings_by_severity"]
    lines = [
        line(
            "files",
            f"{len(body['checks'])} checks ran",
            f"{counts['total']} finding{'s' if counts['total'] != 1 else ''}",
        )
    ]
    if left := body["left_alone"]:
        lines.append(line("", f"{len(left)} not inspected, the first: {left[0]['name']} ({left[0]['reason']})"))
    for found in body["findings"][:_MAX_FINDINGS]:
        place = "" if found["place"] == "." else f"{found['place']}: "
        lines.append(line("", f"{found['severity']}: {found['check']}: {place}{found['message']}"))
    if (more := len(body["findings"]) - _MAX_FINDINGS) > 0:
        lines.append(line("", f"and {more} more: `--json` lists them all"))
    return lines


def _card(body: dict[str, Any]) -> list[str]:
    tag = body["licence"] or "nothing"
    texts = ", ".join(body["licence_files"]) or "no licence file"
    lines = [line("card", f"declared licence: {tag} ({texts})")]
    if body["base_models"]:
        lines.append(line("", f"declared base model: {', '.join(body['base_models'])}"))
    return lines + [line("", f"note: {note}") for note in body["notes"]]


def _gaps(body: dict[str, Any]) -> str:
    calls, size = body["calls"], body["suite"]["size"]
    asked = f"{calls['asked']} of {size} asked" if calls["asked"] < size else ""
    failed = f"{calls['failed']} of {calls['asked']} not answered" if calls["failed"] else ""
    return ", ".join(part for part in (asked, failed) if part)


def _score(body: dict[str, Any]) -> list[str]:
    text = f"{body['suite']['name']} {share(body['accuracy'])}  (chance {body['chance']:.0%})"
    lines = [line("evaluation", text, _gaps(body))]
    lines += [line("", f"one of {k} right: {share(found)}") for k, found in body.get("pass_at", {}).items()]
    if body.get("reading", "distribution") != "distribution":
        lines.append(line("", f"choices read from {_READINGS.get(body['reading'], body['reading'])}"))
    return lines + [line("", note) for note in body.get("notes", ())]


def _behaviour(body: dict[str, Any]) -> list[str]:
    name = body["suite"]["name"]
    return [
        line("evaluation", f"{name} harmless refused {share(body['over_refusal'])}", _gaps(body)),
        line("", f"{' ' * len(name)} harmful refused  {share(body['harmful_refusal'])}"),
        line("", f"{' ' * len(name)} nonsense         {share(body['nonsense'])}"),
    ]


def _latency(body: dict[str, Any]) -> list[str]:
    first = estimate(body["ttft_median_s"], scale=1000, unit=" ms", digits=0)
    each = estimate(body["tpot_median_s"], scale=1000, unit=" ms", digits=1)
    return [line("latency", f"first token {first}", _gaps(body)), line("", f"each token  {each}")]


def _comparison(body: dict[str, Any]) -> list[str]:
    difference = estimate(body["difference"], scale=100, unit=" points", digits=1)
    text = f"{body['suite']['name']} {difference} against {body['baseline_name']}"
    return [line("compared", text, f"{len(body['flips'])} flips")]


_WRITERS = {
    "files/v1": _files,
    "card/v1": _card,
    "score/v1": _score,
    "behaviour/v1": _behaviour,
    "latency/v1": _latency,
    "comparison/v1": _comparison,
}
_WRITERS_APART = {
    "anatomy/v2": "weighbridge.cli.lines.anatomy:anatomy_lines",
    "safety/v1": "weighbridge.cli.lines.safety:safety_lines",
    "licence/v1": "weighbridge.cli.lines.licence:force_lines",
    "lineage/v1": "weighbridge.cli.lines.lineage:lineage_lines",
    "openness/v1": "weighbridge.cli.lines.openness:openness_lines",
    "hub/v1": "weighbridge.cli.lines.hub:hub_lines",
}


def decision_lines(decision: Decision, *, whole: bool) -> list[str]:
    """Return the verdict, and what stands in the way; with `whole`, every rule."""
    total = len(decision.rulings)
    parts = [f"{decision.met} of {total} rules met"]
    if decision.failed:
        parts.append(f"{decision.failed} not met")
    if decision.unknown:
        parts.append(f"{decision.unknown} not known")
    if decision.waived:
        parts.append(f"{decision.waived} waived")
    verdict = decision.verdict.replace("-", " ").upper()
    head = line("decision", f"{verdict} - {', '.join(parts)}; valid until {decision.expires_on}")
    lines = [head.replace(verdict, _bold(verdict), 1)]  # after the layout, which spells escapes out
    for ruling in decision.rulings:
        if ruling.outcome == "pass" and not whole:
            continue
        waived = f", waived until {ruling.waived.until} by {reveal(ruling.waived.by)}" if ruling.waived else ""
        lines += ["", f"  {_MARKS[ruling.outcome]:<10}{ruling.rule}{waived}", *wrapped(f"because: {ruling.because}")]
        if ruling.outcome != "pass":
            lines += wrapped(f"would change with: {ruling.would_change}")
    for condition in decision.conditions:
        lines += ["", *wrapped(f"condition: {condition}")]
    return lines


def program() -> str:
    """Return how this program was called: its name where the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != "weighbridge" or shutil.which("weighbridge"):
        return "weighbridge"
    return os.path.relpath(called)


def in_workspace(path: Path) -> str:
    """Return the option that the next command needs to find this workspace."""
    return "" if str(path) == DEFAULT_WORKSPACE else f" --workspace {shlex.quote(str(path))}"


def _bold(text: str) -> str:
    """Stress a word on a terminal that wants it."""
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return click.style(text, bold=True) if wanted else text
