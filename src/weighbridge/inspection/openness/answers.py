"""Read a reviewer's answers: a TOML file of items with who looked, when, and where."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, get_args

from weighbridge.core.kinds.openness import OpenItemBody, OpenState
from weighbridge.errors import UsageError, did_you_mean
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.inspection.openness.frameworks import Framework, Item, frameworks, is_open_licence

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Answers", "answered_item", "parse_answers", "read_answers"]

Answers = dict[tuple[str, str], dict[str, Any]]
_MAX_BYTES = 1 << 20
_KEYS = frozenset({"framework", "item", "state", "by", "on", "because", "link", "licence"})


def read_answers(path: Path, subject: str) -> Answers:
    """Return the answers in a TOML file, by framework and item; raises UsageError for one that cannot be followed."""
    try:
        table = tomllib.loads(read_small(path, _MAX_BYTES).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{quote(str(path))} is not TOML: {error}") from error
    return parse_answers(table, quote(str(path)), subject)


def parse_answers(table: dict[str, Any], place: str, subject: str) -> Answers:
    """Check answers against the frameworks. `subject`, where the file gives one, must be this artefact's digest."""
    if odd := table.keys() - {"subject", "answer"}:
        raise UsageError(f"{place} holds {quote(min(odd))}; `subject` and `[[answer]]` are read")
    if table.get("subject", subject) != subject:
        raise UsageError(
            f"{place} answers for another artefact, {quote(str(table['subject']))}", hint=f"this is {subject}"
        )
    rows = table.get("answer", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{place}: answers are written as `[[answer]]` tables")
    known = {(framework.id, item.id) for framework in frameworks() for item in framework.items}
    answers: Answers = {}
    for number, row in enumerate(rows, 1):
        where = f"{place}, answer {number}"
        _check(row, where)
        key = (row["framework"], row["item"])
        if key not in known:
            near = did_you_mean(f"{key[0]} {key[1]}", [f"{one} {other}" for one, other in known])
            raise UsageError(f"{where}: there is no item {quote(key[1])} of {quote(key[0])}", hint=near)
        if key in answers:
            raise UsageError(f"{where}: {quote(key[1])} of {quote(key[0])} is answered twice")
        answers[key] = row
    return answers


def _check(row: dict[str, Any], where: str) -> None:
    """Raise UsageError for an answer without an item, a name, a day or a state."""
    if odd := row.keys() - _KEYS:
        raise UsageError(f"{where} holds {quote(min(odd))}", hint=f"known: {', '.join(sorted(_KEYS))}")
    for key in ("framework", "item", "by"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise UsageError(f"{where} does not say `{key}`")
    if not isinstance(row.get("on"), date) or isinstance(row["on"], datetime):
        raise UsageError(f"{where} does not say `on` which day it was looked at", hint="write `on = 2026-11-22`")
    for key in ("because", "link", "licence"):
        if not isinstance(row.get(key, ""), str):
            raise UsageError(f"{where}: `{key}` is not text")
    if row.get("state") not in get_args(OpenState) and not ("state" not in row and row.get("licence")):
        raise UsageError(f"{where} does not say `state`", hint=f"one of {', '.join(get_args(OpenState))}")


def answered_item(framework: Framework, item: Item, row: dict[str, Any]) -> OpenItemBody:
    """Return an item as answered; without `state`, it counts by its licence alone, as components of the MOF do."""
    licence = row.get("licence") or None
    which = "osi" if framework.id == "osaid" else "mof"
    stands = is_open_licence(licence, which) if licence else None
    state: OpenState = row.get("state") or ("open" if stands else "closed")
    because = row.get("because") or f"answered by {row['by']}"
    if state == "open" and framework.id != "osai-index" and licence and not stands:
        state, because = "closed", f"{because}; {licence} does not count as open"
    return OpenItemBody(
        id=item.id,
        group=item.group,
        name=item.name,
        required=item.required,
        state=state,
        basis="answered",
        because=because,
        link=row.get("link") or None,
        licence=licence,
        by=row["by"],
        on=row["on"],
    )
