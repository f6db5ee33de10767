"""Sections of behaviour: of one model, and of two on the same items, with what neither of them says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.digest import short
from weighbridge.dossier.behaviour.contrasts import contrast_tables
from weighbridge.dossier.behaviour.headline import comparison_headline, headline
from weighbridge.dossier.behaviour.notes import told
from weighbridge.dossier.behaviour.rates import (
    answers_table,
    detector_table,
    flags_table,
    instability_table,
    rates_table,
    topics_table,
)
from weighbridge.dossier.behaviour.versus import heat_map, pairs_side_by_side, service_table
from weighbridge.dossier.behaviour.wording import does, group_word, language_word, side_words, sides_of, topic_word
from weighbridge.dossier.block import Exchange, Exchanges, Section, Side, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import AnswerBody, BankBody, BehaviourComparisonV1, BehaviourV2
    from weighbridge.dossier.block import Table
    from weighbridge.dossier.figure import Figures

__all__ = ["behaviour_section", "comparison_section"]

_ASKED = "asked"


def behaviour_section(body: BehaviourV2, figures: Figures, *, subject: str, on: str, anchor: str = "") -> Section:
    """Arrange a `behaviour/v2`; `subject` is the digest of the weights or endpoint, `on` the day of the evidence."""
    t = figures.locale
    main, sure = headline(body, figures)
    tables = (
        rates_table(body, figures),
        detector_table(body, figures),
        answers_table(body, figures),
        *flags_table(body, figures),
        *instability_table(body, figures),
        *contrast_tables(body.contrasts, figures),
        *topics_table(body, figures),
        _made(body, figures, subject, on),
    )
    return Section(
        "behaviour-by-language",
        t.label("kind", "behaviour/v2") + t("figure.colon") + body.bank.name,
        anchor,
        sure,
        tables,
        main,
        (*_caveats(body, figures, on), *(told(note, t) for note in body.notes)),
        tuple(_answers(body, figures)),
    )


def comparison_section(
    body: BehaviourComparisonV1, figures: Figures, *, subject: str, on: str, anchor: str = ""
) -> Section:
    """Arrange a `behaviour-comparison/v1`: differences, heat map, answers side by side, and two hosts of one model."""
    t = figures.locale
    main, sure = comparison_headline(body, figures)
    between = side_words(body, t)
    facts = (
        (between[0], f"{body.candidate_name} {subject}"),
        (between[1], f"{body.baseline_name} {body.baseline}"),
        *_bank(body.bank, figures),
        (t("made.on"), on),
    )
    tables: tuple[Table, ...] = (
        *((service_table(body.service, figures),) if body.service else ()),
        *heat_map(body, figures),
        *contrast_tables(body.differences, figures, between),
        facts_table(t("conduct.made"), facts, figures),
    )
    caveats = (t("conduct.not_comprehensive"), t("conduct.items_chosen"), t("conduct.detector_errs"))
    return Section(
        "behaviour-beside",
        t.label("kind", "behaviour-comparison/v1") + t("figure.colon") + " · ".join(sides_of(body, t)),
        anchor,
        sure,
        tables,
        main,
        (*caveats, t("conduct.two_hosts", on=on), *(told(note, t) for note in body.notes)),
        tuple(pairs_side_by_side(body, figures)),
    )


def _caveats(body: BehaviourV2, figures: Figures, on: str) -> Iterator[str]:
    """Yield what a reader must know before quoting a figure."""
    t = figures.locale
    yield t("conduct.not_comprehensive")
    yield t("conduct.items_chosen")
    yield t("conduct.detector_errs")
    known = {language for language, one in body.detector.items() if one.n}
    if unknown := [language_word(one, t) for one in body.languages if one not in known]:
        yield t("conduct.unmeasured", languages=", ".join(unknown))
    if body.origin == _ASKED:
        yield t("conduct.one_host", on=on)
    else:
        yield t("conduct.imported", origin=body.origin)


def _made(body: BehaviourV2, figures: Figures, subject: str, on: str) -> Table:
    """Arrange bank, engine, host, weights, sampling and cost."""
    t, engine, calls = figures.locale, body.engine, body.calls
    tokens = calls.completion_tokens if calls else None
    asked = t("measured.asked", asked=calls.asked, coverage=figures.number(calls.coverage, "share"),
              failed=calls.failed, reused=calls.reused) if calls else ""  # fmt: skip
    served = ""
    if engine:
        parts = (f"{engine.name} {engine.version or ''}".strip(), engine.model, engine.address)
        standing = t("measured.engine_asserted" if engine.asserted else "measured.engine_loaded")
        served = " · ".join(filter(None, (*parts, standing)))
    cost = f"{calls.price:.4g} {calls.currency or ''}".strip() if calls and calls.price is not None else ""
    facts = (
        *_bank(body.bank, figures),
        (t("conduct.subject" if body.origin == _ASKED else "conduct.subject_file"), subject),
        (t("measured.engine"), served),
        (t("measure.sampling"), told(body.sampling, t)),
        (t("measure.judge"), body.judge or t("conduct.no_judge")),
        (t("conduct.origin"), "" if body.origin == _ASKED else body.origin),
        (t("conduct.reference"), language_word(body.reference, t)),
        (t("measure.calls"), asked),
        (t("conduct.tokens"), f"{tokens:,}" if tokens is not None else ""),
        (t("conduct.cost"), cost),
        (t("made.on"), on),
    )
    return facts_table(t("conduct.made"), facts, figures)


def _bank(bank: BankBody, figures: Figures) -> tuple[tuple[str, str], ...]:
    t = figures.locale
    size = t("conduct.items", n=f"{bank.size:,}")
    version = t("document.version", version=bank.version)
    return (
        (t("measure.bank"), f"{bank.name} · {version} · {size} · {short(bank.digest)}"),
        (t("column.source"), t("measured.source", source=bank.source, licence=bank.licence)),
    )


def _answers(body: BehaviourV2, figures: Figures) -> Iterator[Exchanges]:
    """Yield every question with its answer, for who looks closer."""
    t = figures.locale
    if body.items:
        rows = tuple(_exchange(one, figures) for one in body.items)
        yield Exchanges(t("conduct.all_answers", count=f"{len(rows):,}"), (t("measured.said"),), rows)


def _exchange(one: AnswerBody, figures: Figures) -> Exchange:
    t = figures.locale
    label = does(one.behaviour, one.flags, figures, unsure=one.unsure, by=one.decided_by)
    if one.outcome != "answered":
        label += f"; {t.label('transport', one.outcome)}"
    draw = t("conduct.draw", number=one.draw + 1) if one.draw else ""
    about = (group_word(one.group, t) if one.group else "", topic_word(one.topic, t) if one.topic else "", draw)
    return Exchange(one.id, one.language, " · ".join(filter(None, about)), one.question, (Side(label, one.said),))
