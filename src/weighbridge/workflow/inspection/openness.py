"""Openness: how open a model is by each framework, with a reviewer's answers where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.inspection.openness.answers import read_answers
from weighbridge.inspection.openness.inspect import inspect_openness

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence
    from weighbridge.hub.protocol import DigestCache

__all__ = ["Graded", "grade_openness"]


@dataclass(frozen=True, slots=True)
class Graded:
    """A model and how open it is."""

    artefact: Artefact
    evidence: Evidence


def grade_openness(
    reference: str,
    answers: Path | None = None,
    *,
    on: date,
    cache: DigestCache | None = None,
    progress: Progress = silent,
) -> Graded:
    """Resolve a model, inspect it, and grade its openness with the answers in a TOML file if one is given.

    Raises UsageError for an endpoint, which has no files, and for answers that cannot be followed.
    """
    artefact = resolve(Reference.parse(reference), cache, progress)
    if artefact.is_endpoint:
        raise UsageError(f"{quote(reference)} is an endpoint: it has no files to look at")
    given = None if answers is None else read_answers(answers, artefact.digest)
    return Graded(artefact, inspect_openness(artefact, on, inspect_artefact(artefact, on), given))
