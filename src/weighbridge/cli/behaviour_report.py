"""`weighbridge behaviour --report FILE`: the page of what was measured, beside what the terminal prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.core.evidence import Evidence
    from weighbridge.dossier.behaviour.page import Told
    from weighbridge.workflow.behaviour.of_file import Scored

__all__ = ["check_report", "told_of", "told_of_file", "write_report"]

_FORMS = (".html", ".md")


def check_report(path: Path | None) -> None:
    """Refuse a file whose ending names no form, before anything is asked; raises UsageError."""
    if path is not None and path.suffix.lower() not in _FORMS:
        raise UsageError(f"`{path}` ends in no form of a report", hint="end it in `.html` or `.md`")


def told_of(evidence: Evidence, name: str) -> Told:
    """Return a statement as the page shows it."""
    from weighbridge.dossier.behaviour.page import Told

    return Told(evidence.kind, evidence.body, name, evidence.subject, evidence.made_on.isoformat(), evidence.id)


def told_of_file(scored: Scored, kept: Evidence | None, on: date) -> Told:
    """Return what a file of answers says as the page shows it, kept as evidence or not."""
    from weighbridge.dossier.behaviour.page import Told

    name = str(scored.body["origin"])
    if kept is not None:
        return told_of(kept, name)
    return Told("behaviour/v2", scored.body, name, scored.subject, on.isoformat())


def write_report(path: Path | None, told: Sequence[Told], settings: Any) -> None:
    """Write the page in the language of the settings, and say where on stderr; nothing without a path."""
    if path is None:
        return
    from weighbridge.dossier.behaviour.page import behaviour_page
    from weighbridge.workflow.workspace import write_whole

    write_whole(path, behaviour_page(told, path.suffix.lower(), settings.language))
    click.echo(f"Report: {path}", err=True)
