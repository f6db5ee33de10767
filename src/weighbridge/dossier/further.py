"""Further measurements: one section a statement, for kinds that are read as tables, in the order of reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.behaviour.section import behaviour_section, comparison_section
from weighbridge.dossier.block import Section
from weighbridge.dossier.measured.arena import arena_section
from weighbridge.dossier.measured.contamination import contamination_section
from weighbridge.dossier.measured.hijack import hijack_section
from weighbridge.dossier.measured.jailbreak import jailbreak_section
from weighbridge.dossier.measured.load import load_section
from weighbridge.dossier.measured.precision import precision_section
from weighbridge.dossier.record import anchor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.core.evidence import Evidence
    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.figure import Figures

__all__ = ["further_sections", "section_for", "section_of"]

_TABLES: dict[str, Callable[..., Section]] = {
    "hijack/v1": hijack_section,
    "jailbreak/v1": jailbreak_section,
    "load/v1": load_section,
    "arena/v1": arena_section,
    "precision/v1": precision_section,
    "contamination/v1": contamination_section,
}
_BEHAVIOURS: dict[str, Callable[..., Section]] = {
    "behaviour/v2": behaviour_section,
    "behaviour-comparison/v1": comparison_section,
}


def further_sections(dossier: Dossier, figures: Figures) -> Iterator[Section]:
    """Yield a section a statement; a kind without one yields a section that says so."""
    for kind, records in dossier.further.items():
        if not records:
            yield Section(kind, figures.locale.label("kind", kind))
        for record in records:
            section = section_of(record.evidence, record.body, figures)
            if section is not None:
                yield section


def section_of(evidence: Evidence, body: Any, figures: Figures) -> Section | None:
    """Return the section of one statement, or None for a kind that is not read this way; `body` is of its kind."""
    about = (evidence.subject, evidence.made_on.isoformat())
    return section_for(evidence.kind, body, figures, about, anchor_of(evidence.id))


def section_for(kind: str, body: Any, figures: Figures, about: tuple[str, str], anchor: str = "") -> Section | None:
    """Return the section of a body, kept or not; `about` is the digest of its subject and the day."""
    if kind in _BEHAVIOURS:
        return _BEHAVIOURS[kind](body, figures, subject=about[0], on=about[1], anchor=anchor)
    return _TABLES[kind](body, figures, anchor=anchor) if kind in _TABLES else None
