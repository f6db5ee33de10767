"""Sections: what was examined, as tables of text that every renderer lays out in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import Section
from weighbridge.dossier.examined import (
    fits_table,
    licence_tables,
    lineage_tables,
    openness_tables,
    provenance_tables,
    safety_tables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.dossier.block import Table
    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.figure import Figures

__all__ = ["sections"]


def sections(dossier: Dossier, figures: Figures) -> Iterator[Section]:
    """Yield licence, safety, lineage, openness, provenance and fit, in the order in which people ask."""
    t = figures.locale
    builders: tuple[tuple[str, str, Callable[..., tuple[tuple[str, ...], tuple[Table, ...]]]], ...] = (
        ("licence", "licence/v1", licence_tables),
        ("safety", "safety/v1", safety_tables),
        ("lineage", "lineage/v1", lineage_tables),
        ("openness", "openness/v1", openness_tables),
        ("provenance", "provenance/v1", provenance_tables),
    )
    for name, kind, build in builders:
        record = dossier.examined.get(kind)
        if record is None:
            yield Section(name, t(f"examined.{name}"))
            continue
        lead, tables = build(record.body, figures)
        yield Section(name, t(f"examined.{name}"), record.anchor, lead, tables)
    if dossier.fits:
        yield Section("fit", t("examined.fit"), dossier.fits[0].anchor, (), (fits_table(dossier.fits, figures),))
    else:
        yield Section("fit", t("examined.fit"))
