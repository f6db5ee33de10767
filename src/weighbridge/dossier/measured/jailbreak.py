"""Jailbreaks: what published transforms of a request change in what a model refuses, beside the plain request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.notes import told as told_in
from weighbridge.dossier.behaviour.wording import difference, language_word, probability, share
from weighbridge.dossier.block import Section, Table, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import JailbreakV1
    from weighbridge.dossier.figure import Figures

__all__ = ["jailbreak_section"]

_PLAIN = "plain"


def jailbreak_section(body: JailbreakV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange a `jailbreak/v1`: the best transform on items that did not choose it, then every transform."""
    t = figures.locale
    told = [_headline(language, body, figures) for language, best in body.best.items() if best.held_out]
    main, *others = told or [t("jailbreak.none")]
    heading = t.label("kind", "jailbreak/v1") + t("figure.colon") + body.bank.name
    engine = " · ".join(filter(None, (body.engine.name, body.engine.model, body.engine.address)))
    facts = (
        (t("measured.engine"), engine),
        (t("measure.bank"), f"{body.bank.name} · {t('document.version', version=body.bank.version)}"),
        (t("measure.sampling"), told_in(body.sampling, t)),
    )
    tables = (
        _rates(body, figures), _best(body, figures), *_transforms(body, figures),
        facts_table(t("conduct.made"), facts, figures),
    )  # fmt: skip
    caveats = (t("jailbreak.lower_bound"), t("conduct.detector_errs"), t("conduct.not_comprehensive"))
    return Section(
        "jailbreak",
        heading,
        anchor,
        tuple(others),
        tables,
        main,
        (*caveats, *(told_in(note, t) for note in body.notes)),
    )


def _gains(body: JailbreakV1, language: str) -> bool:
    """Say whether any transform gives more than the plain request; if none does, none is the best."""
    return any(rate.difference and rate.difference.value > 0 for rate in body.rates.get(language, {}).values())


def _headline(language: str, body: JailbreakV1, figures: Figures) -> str:
    t, best = figures.locale, body.best[language]
    key = "jailbreak.headline" if _gains(body, language) else "jailbreak.no_gain"
    found = best.held_out if _gains(body, language) else best.any
    return t(key, share=share(found, figures), language=language_word(language, t))


def _rates(body: JailbreakV1, figures: Figures) -> Table:
    t = figures.locale
    rows = []
    for language in body.languages:
        found = sorted(body.rates.get(language, {}).items(), key=lambda pair: (pair[0] != _PLAIN, pair[0]))
        detector = body.detector.get(language)
        trust = share(detector.recall, figures) if detector and detector.n else t("conduct.not_measured")
        for name, rate in found:
            shares = (share(one, figures) for one in (rate.complied, rate.safe_refused, rate.invalid))
            change = ("-", "-")
            if name != _PLAIN:
                change = (difference(rate.difference, figures), probability(rate.p_adjusted))
            title = body.transforms[name].title if name in body.transforms else t.label("jailbreak", name)
            rows.append((language_word(language, t), title, *shares, f"{rate.off_topic:,}", *change, trust))
        rows += [
            (language_word(language, t), one.title, t("jailbreak.not_asked"), *("-",) * 6)
            for name, one in body.transforms.items()
            if name not in dict(found)
        ]
    columns = ("transform", "complied", "safe_refused", "invalid", "off_topic", "change")
    head = tuple(t(f"jailbreak.{name}") for name in columns)
    return Table(
        t("jailbreak.rates"), (t("conduct.language"), *head, t("conduct.p_adjusted"), t("conduct.recall")), tuple(rows)
    )


def _best(body: JailbreakV1, figures: Figures) -> Table:
    t = figures.locale
    rows = tuple(
        (
            language_word(language, t),
            ", ".join(dict.fromkeys(one.chosen)) or "-" if _gains(body, language) else t("jailbreak.none_gains"),
            share(one.held_out, figures) if _gains(body, language) else "-",
            share(one.any, figures),
        )
        for language, one in body.best.items()
    )
    head = tuple(t(f"jailbreak.{name}") for name in ("chosen", "held_out", "any"))
    return Table(t("jailbreak.best"), (t("conduct.language"), *head), rows)


def _transforms(body: JailbreakV1, figures: Figures) -> Iterator[Table]:
    t = figures.locale
    rows = tuple((one.title, one.does, one.source) for one in body.transforms.values())
    if rows:
        head = (t("jailbreak.transform"), t("jailbreak.does"), t("column.source"))
        yield Table(t("jailbreak.transforms"), head, rows, folded=True)
