"""Contamination: the probes that were made, what each can show, and what the model repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import Section, Table, cut_rows
from weighbridge.dossier.visible import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import ContaminationV1, EstimateBody
    from weighbridge.dossier.figure import Figures

__all__ = ["contamination_section"]

_SHOWN = 300


def contamination_section(body: ContaminationV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange a `contamination/v1`: hints, never proof, and never a clean bill."""
    t = figures.locale
    heading = t.label("kind", "contamination/v1") + t("figure.colon") + body.suite.name
    names = ", ".join(t.label("probe", name) for name in body.hinting)
    main = t("contamination.hints", probes=names) if body.hinting else t("contamination.none")
    lead = (t("contamination.alpha", alpha=figures.bound(body.alpha, "share"), control=body.control_name),)
    tables = (*_probes(body, figures), *_not_done(body, figures), *_examples(body, figures))
    return Section("contamination", heading, anchor, lead, tables, main, (t("contamination.no_proof"),))


def _probes(body: ContaminationV1, figures: Figures) -> Iterator[Table]:
    t = figures.locale

    def told(found: EstimateBody | None, measure: str = "accuracy") -> str:
        return str(figures.estimate(found, measure)) if found else "-"

    rows = tuple(
        (t.label("probe", one.probe), told(one.found), told(one.control), told(one.difference, "difference"),
         f"{one.adjusted:.2g}", figures.value(one.hints, "hints"), f"{one.left_out:,}", one.shows)
        for one in body.probes
    )  # fmt: skip
    columns = ("probe", "found", "control", "difference", "adjusted", "hinting", "left_out", "shows")
    if rows:
        yield Table(t("contamination.probes"), tuple(t(f"contamination.{name}") for name in columns), rows)


def _not_done(body: ContaminationV1, figures: Figures) -> Iterator[Table]:
    t = figures.locale
    rows = tuple((t.label("probe", name), why) for name, why in body.not_done.items())
    if rows:
        yield Table(t("contamination.not_done"), (t("contamination.probe"), t("column.why")), rows)


def _examples(body: ContaminationV1, figures: Figures) -> Iterator[Table]:
    """Yield what the suite says beside what the model said; both are strangers' words."""
    t = figures.locale
    rows = [(one.id, cut(one.expected, _SHOWN), cut(one.said, _SHOWN)) for p in body.probes for one in p.examples]
    if rows:
        caption, kept = cut_rows(t("contamination.examples"), rows, figures)
        yield Table(caption, (t("measured.item"), t("measured.expected"), t("measured.said")), kept)
