"""Inspect where a model comes from: lineage/v1, from declarations, and from weights where a base is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.lineage.agree import judge_declarations
from weighbridge.inspection.lineage.compare import compare_with_base
from weighbridge.inspection.lineage.declared import read_declarations

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact

__all__ = ["inspect_lineage"]

_KIND = "lineage/v1"
_MOST_NOTES = 50


def inspect_lineage(artefact: Artefact, made_on: date, base: Artefact | None = None) -> Evidence:
    """State where a model comes from (lineage/v1): what its files declare, and its weights beside `base`.

    Without a base nothing but headers is read. Never raises for what files hold; damage leaves notes.
    """
    body = judge_declarations(read_declarations(artefact, Folder(artefact)), artefact.name)
    inputs: tuple[str, ...] = ()
    if base is not None:
        compared, notes = compare_with_base(artefact, base)
        body = body.model_copy(update={"compared": compared, "notes": [*body.notes, *notes]})
        inputs = (base.digest,)
    body = body.model_copy(update={"notes": body.notes[:_MOST_NOTES]})
    return Evidence(artefact.digest, _KIND, body.model_dump(mode="json"), inputs, OURS, made_on)
