"""What was examined in the files, arranged for reading: licence, safety, lineage, openness, fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import MOST_ROWS, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.kinds import FitV1, LicenceV1, LineageV1, OpennessV1, ProvenanceV1, SafetyV1
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.record import Record

__all__ = ["fits_table", "licence_tables", "lineage_tables", "openness_tables", "provenance_tables",
           "safety_tables"]  # fmt: skip

_MOST_QUOTED = 2
_GIB = 2**30
_DULL = "nothing found"


Arranged = tuple[tuple[str, ...], tuple[Table, ...]]


def _table(figures: Figures, caption: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[Table]:
    """Return a table of at most 200 rows, or none where there are no rows."""
    t, kept = figures.locale, tuple(rows)
    if not kept:
        return []
    head = tuple(t(f"column.{name}") for name in columns)
    return [Table(t(f"examined.{caption}"), head, kept[:MOST_ROWS])]


def licence_tables(body: LicenceV1, figures: Figures) -> Arranged:
    """Arrange the licences in force, conflicts, terms with their clauses, and open questions."""
    t = figures.locale
    lead = [t("examined.text_found" if body.text_found else "examined.no_text")]
    if body.answer:
        lead.append(t("examined.answer", answer=body.answer))
    lead.append(t("examined.no_advice"))
    force = (
        (one.source, one.role, one.basis, one.licence or one.name or "-", one.verdict or "-", one.revision or "-")
        for one in body.in_force
    )
    altered = (
        (one.source, difference.kind, difference.text, difference.reference)
        for one in body.in_force
        for difference in one.differences
        if difference.material
    )
    terms = (
        (name, term.value if term.value is not None else (term.reason or "-"), term.clause or "-", _quoted(term.quotes))
        for name, term in body.terms.items()
        if term.value != ""
    )
    return tuple(lead), (
        *_table(figures, "in_force", ("source", "role", "basis", "licence", "stands", "revision"), force),
        *_table(figures, "conflicts", ("name", "message"), ((one.name, one.message) for one in body.conflicts)),
        *_table(figures, "altered", ("source", "kind", "text", "reference"), altered),
        *_table(figures, "terms", ("term", "value", "clause", "quote"), terms),
        *_table(figures, "questions", ("question",), ((question,) for question in body.questions)),
    )


def _quoted(quotes: list[str]) -> str:
    return " … ".join(quotes[:_MOST_QUOTED]) or "-"


def safety_tables(body: SafetyV1, figures: Figures) -> Arranged:
    """Arrange the files that are not plainly harmless, and what each check could look at."""
    t = figures.locale
    lead = (t("examined.loading", verdict=body.verdict, count=len(body.files)),)
    files = (
        (
            one.path,
            one.verdict,
            one.format,
            "; ".join(f"{found.check}: {found.message}" for found in one.findings) or "-",
        )
        for one in body.files
        if one.verdict != _DULL
    )
    checks = (
        (one.check, one.looks_at or "-", str(one.looked), "-" if one.found is None else str(one.found))
        for one in body.checks
    )
    return lead, (
        *_table(figures, "unsafe_files", ("file", "verdict", "format", "finding"), files),
        *_table(figures, "checks", ("check", "looks_at", "looked", "found"), checks),
    )


def lineage_tables(body: LineageV1, figures: Figures) -> Arranged:
    """Arrange what is declared of the origin, what contradicts it, and what the weights say."""
    t = figures.locale
    bases = ", ".join(body.bases) or t("figure.none")
    lead = [t("examined.bases", bases=bases, agreement=body.agreement), *body.contradictions]
    if body.twice_quantized:
        lead.append(t("examined.twice", said=body.twice_quantized.said, stored=body.twice_quantized.stored))
    if body.compared:
        one = body.compared
        lead.append(f"{one.base}: {one.verdict}. {one.reason} {one.may_hide}")
    else:
        lead.append(t("examined.no_base"))
    declared = ((one.source, one.name, one.standing, one.relation or "-") for one in body.declared)
    return tuple(lead), tuple(_table(figures, "declared", ("source", "base", "standing", "relation"), declared))


def openness_tables(body: OpennessV1, figures: Figures) -> Arranged:
    """Arrange the grades of each framework, each in its own words."""
    grades = (
        (f"{one.name} {one.version}", one.grade, one.why, "; ".join(f"{k} {v}" for k, v in one.counts.items()))
        for one in body.frameworks
    )
    return (body.sentence,), tuple(_table(figures, "frameworks", ("framework", "grade", "why", "items"), grades))


def provenance_tables(body: ProvenanceV1, figures: Figures) -> Arranged:
    """Arrange where a copy says it comes from, its chat templates by digest, and signatures that lie with it."""
    t = figures.locale
    origin = f"{body.hub}:{body.repository}@{body.commit or '?'}" if body.hub and body.repository else "-"
    lead = (t("examined.origin", origin=origin), t("examined.unproven"))
    templates = ((one.place, one.name, f"{one.characters:,}", one.sha256) for one in body.templates)
    signatures = ((one.place, one.signs, one.signer or "-", str(one.files or "-")) for one in body.signatures)
    return lead, (
        *_table(figures, "templates", ("file", "name", "characters", "sha256"), templates),
        *_table(figures, "signatures", ("file", "signs", "signer", "looked"), signatures),
    )


def fits_table(fits: Iterable[Record[FitV1]], figures: Figures) -> Table:
    """Arrange every deployment that was asked about, with what it needs, what there is, and how fast at most."""
    t = figures.locale
    columns = ("device", "load", "verdict", "needed", "room", "speed", "reason")
    rows = []
    for record in fits:
        body, asked = record.body, record.body.asked
        parts = [part for part in (body.weights, body.cache, body.activation, body.overhead) if part]
        needed = f"{sum(part.low for part in parts) / _GIB:.1f}-{sum(part.high for part in parts) / _GIB:.1f} GiB"
        room = f"{body.room.low / _GIB:.1f} GiB" if body.room else "-"
        speed = f"{body.speed.tokens_per_s_together:,.0f}/s" if body.speed else "-"
        load = f"{asked.engine}, {asked.sequences:,} x {asked.context:,}, {asked.quantization}"
        rows.append((f"{asked.devices} x {asked.device}", load, body.verdict, needed, room, speed, body.reason))
    return Table(t("examined.fits"), tuple(t(f"column.{name}") for name in columns), tuple(rows))
