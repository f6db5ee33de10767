"""Inspect what loading the files does: safety/v1, from what the checks found and what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.safety.readers import formats_of
from weighbridge.inspection.safety.run import Ran, run_checks
from weighbridge.inspection.safety.verdict import judge

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact

__all__ = ["inspect_safety"]

_KIND = "safety/v1"
_NOT_THE_MODEL = "not part of the model"  # what a hub says of `.git` and download logs


def inspect_safety(artefact: Artefact, made_on: date, ran: Ran | None = None) -> Evidence:
    """State for each file what loading it does (safety/v1); the checks are run where `ran` is not given."""
    ran = ran or run_checks(artefact, Folder(artefact))
    formats = dict(formats_of(artefact))
    for entry in artefact.left_alone:
        if not entry.reason.endswith(_NOT_THE_MODEL):
            formats.setdefault(entry.name, "not read")
    return Evidence(artefact.digest, _KIND, judge(formats, ran), (), OURS, made_on)
