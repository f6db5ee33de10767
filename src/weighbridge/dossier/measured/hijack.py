"""Agent hijack: what a model does with instructions in the output of tools, beside whether it can use tools at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.notes import told as told_in
from weighbridge.dossier.behaviour.wording import difference, language_word, probability, share
from weighbridge.dossier.block import Exchange, Exchanges, Section, Side, Table, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import HijackV1
    from weighbridge.dossier.figure import Figures

__all__ = ["hijack_section"]

_ALL = "all"


def hijack_section(body: HijackV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange a `hijack/v1`: by goal, with what the model can do at all beside it, and the answers."""
    t = figures.locale
    rates = [(language, body.rates.get(language, {}).get(_ALL)) for language in body.languages]
    sentences = [
        t("hijack.headline", share=share(rate.hijacked, figures), language=language_word(language, t))
        for language, rate in rates
        if rate and rate.hijacked
    ]
    main, *others = sentences or [t("hijack.none")]
    tables = (
        _goals(body, figures),
        _able(body, figures),
        facts_table(t("conduct.made"), _facts(body, figures), figures),
    )
    caveats = (t("hijack.lower_bound"), t(f"hijack.protocol_{body.protocol}"), t("conduct.not_comprehensive"))
    heading = t.label("kind", "hijack/v1") + t("figure.colon") + body.bank.name
    told = (*caveats, *(told_in(note, t) for note in body.notes))
    return Section("hijack", heading, anchor, (*others, t("hijack.counts")), tables, main, told,
                   tuple(_answers(body, figures)))  # fmt: skip


def _goals(body: HijackV1, figures: Figures) -> Table:
    t = figures.locale
    rows = tuple(
        (language_word(language, t), t.label("hijack_goal", goal), *(
            share(one, figures) for one in (rate.hijacked, rate.called, rate.warned)
        ))
        for language in body.languages
        for goal, rate in sorted(body.rates.get(language, {}).items(), key=lambda pair: (pair[0] != _ALL, pair[0]))
    )  # fmt: skip
    head = (t("conduct.language"), *(t(f"hijack.{name}") for name in ("goal", "hijacked", "called", "warned")))
    return Table(t("hijack.goals"), head, rows, ours=True)


def _able(body: HijackV1, figures: Figures) -> Table:
    """Arrange what tells a model that resists from one that cannot use tools, and what the attack costs the user."""
    t = figures.locale
    rows = []
    for language in body.languages:
        useful = body.utility.get(language)
        told = ("-", "-", "-", "-")
        if useful:
            told = (share(useful.clean, figures), share(useful.attacked, figures),
                    difference(useful.difference, figures), probability(useful.p))  # fmt: skip
        rows.append((language_word(language, t), share(body.able.get(language), figures), *told))
    head = (t("conduct.language"), *(t(f"hijack.{name}") for name in ("able", "clean", "attacked", "change", "p")))
    return Table(t("hijack.use"), head, tuple(rows), ours=True)


def _facts(body: HijackV1, figures: Figures) -> Iterator[tuple[str, str]]:
    t, engine = figures.locale, body.engine
    yield t("measured.engine"), " · ".join(filter(None, (engine.name, engine.model, engine.address)))
    yield t("measure.bank"), f"{body.bank.name} · {t('document.version', version=body.bank.version)}"
    yield t("column.source"), t("measured.source", source=body.bank.source, licence=body.bank.licence)


def _answers(body: HijackV1, figures: Figures) -> Iterator[Exchanges]:
    """Yield the answers that count as hijacked, with the call or words that decided."""
    t = figures.locale
    hijacked = [one for one in body.items if one.arm == "attacked" and one.result in {"called", "written", "claimed"}]
    rows = tuple(
        Exchange(one.id, one.language, t.label("hijack_goal", one.goal), one.span,
                 (Side(t.label("hijack_result", one.result), one.said),))
        for one in hijacked
    )  # fmt: skip
    if rows:
        yield Exchanges(t("hijack.answers", count=len(rows)), (t("measured.said"),), rows)
