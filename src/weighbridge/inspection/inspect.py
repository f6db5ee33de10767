"""Inspect an artefact: everything that its files say without being run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.card import inspect_card
from weighbridge.inspection.figures.inspect import inspect_anatomy
from weighbridge.inspection.files import inspect_files
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.hub_word import inspect_hub_word
from weighbridge.inspection.licence.inspect import inspect_licence
from weighbridge.inspection.lineage.inspect import inspect_lineage
from weighbridge.inspection.openness.inspect import inspect_openness
from weighbridge.inspection.provenance.inspect import inspect_provenance
from weighbridge.inspection.safety.inspect import inspect_safety
from weighbridge.inspection.safety.run import run_checks

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.evidence import Evidence

__all__ = ["inspect_artefact", "inspect_files_alone"]


def inspect_files_alone(artefact: Artefact, made_on: date) -> list[Evidence]:
    """Return files/v1 and safety/v1: what can be said of a model whose only weights are damaged."""
    ran = run_checks(artefact, Folder(artefact))
    return [inspect_files(artefact, made_on, ran), inspect_safety(artefact, made_on, ran)]


def inspect_artefact(artefact: Artefact, made_on: date) -> list[Evidence]:
    """Return files, anatomy, card, safety, licence, lineage, openness and provenance; nothing for an endpoint.

    A model on a hub has hub/v1, too: what the hub says of it. A config alone has no licence/v1, lineage/v1,
    openness/v1 and provenance/v1.

    Raises DamagedFile only where the artefact is one GGUF file whose header cannot be read.
    """
    if artefact.is_endpoint:
        return []
    ran = run_checks(artefact, Folder(artefact))
    stated = [
        inspect_files(artefact, made_on, ran),
        inspect_anatomy(artefact, made_on),
        inspect_card(artefact, made_on),
        inspect_safety(artefact, made_on, ran),
    ]
    licence = inspect_licence(artefact, made_on, stated)
    if licence is None:
        return stated
    stated += [licence, inspect_lineage(artefact, made_on)]
    said = inspect_hub_word(artefact, made_on)
    stated += [inspect_openness(artefact, made_on, stated), inspect_provenance(artefact, made_on)]
    return [*stated, said] if said else stated
