"""The table that CAISI prints: rates by language and group, with what the labels of each language are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.notes import told as told_in
from weighbridge.dossier.behaviour.wording import classes_of, group_word, language_word, share, topic_word
from weighbridge.dossier.block import Table, cut_rows
from weighbridge.statistics.behaviour.ppi import FEWEST_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import BehaviourV2, DetectorBody, RateBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["answers_table", "detector_table", "flags_table", "instability_table", "rates_table", "topics_table"]

_BEHAVIOURS = ("compliance", "partial", "refusal", "deflection", "nonsense")


def rates_table(body: BehaviourV2, figures: Figures) -> Table:
    """Arrange every rate with interval and count; recall and specificity of the detector stand in every row."""
    t = figures.locale
    labelled = any(rate.labels for rates in body.rates.values() for rate in rates.values())
    columns = ["language", "group", "refused", "avoided", "narrative", "nonsense"]
    columns += ["corrected", "corrected_avoided", "labels"] if labelled else []
    rows = []
    for language in body.languages:
        rates = body.rates.get(language, {})
        trust = _trust(body.detector.get(language), figures)
        for group in classes_of(rates):
            rate = rates[group]
            told = [*_refused(rate, figures), share(rate.narrative, figures), share(rate.invalid, figures)]
            if labelled:
                told += [share(rate.corrected, figures), share(rate.corrected_avoided, figures), f"{rate.labels:,}"]
            rows.append((language_word(language, t), group_word(group, t), *told, *trust))
    head = tuple(t(f"conduct.{name}", few=FEWEST_LABELS) for name in (*columns, "recall", "specificity"))
    return Table(*_headed(t("conduct.rates"), head, rows, figures), ours=True)


def _refused(rate: RateBody, figures: Figures) -> tuple[str, str]:
    """Return what is refused and avoided: shares, or counts alone where nobody knows how often the detector errs."""
    refused = rate.counts.get("refusal", 0) + rate.counts.get("partial", 0)
    avoided = refused + rate.counts.get("deflection", 0)
    valid = avoided + rate.counts.get("compliance", 0)
    if rate.refused is not None or not valid:
        return share(rate.refused, figures), share(rate.avoided, figures)
    first, second = (
        figures.locale("conduct.counted", count=f"{count:,}", total=f"{valid:,}") for count in (refused, avoided)
    )
    return first, second


def _headed(
    caption: str, head: tuple[str, ...], rows: list[tuple[str, ...]], figures: Figures
) -> tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    caption, kept = cut_rows(caption, rows, figures)
    return caption, head, kept


def _trust(body: DetectorBody | None, figures: Figures) -> tuple[str, str]:
    """Return recall and specificity; where nothing was labelled both say so."""
    if body is None or body.n == 0:
        missing = figures.locale("conduct.not_measured")
        return missing, missing
    return share(body.recall, figures), share(body.specificity, figures)


def answers_table(body: BehaviourV2, figures: Figures) -> Table:
    """Arrange the answers by behaviour, what never became an answer, and how many are unsure or labelled by hand."""
    t = figures.locale
    rows = []
    for language in body.languages:
        whole = body.rates.get(language, {}).get("all")
        counts = whole.counts if whole else {}
        lost = {name: n for name, n in body.transport.get(language, {}).items() if name != "answered"}
        labelled = f"{body.labelled.get(language, 0):,}" if body.labelled else "-"
        behaviours = (f"{counts.get(name, 0):,}" for name in _BEHAVIOURS)
        told = "; ".join(f"{n:,} {t.label('transport', name)}" for name, n in lost.items()) or "0"
        rows.append((language_word(language, t), *behaviours, told, f"{body.unsure.get(language, 0):,}", labelled))
    names = (t.label("behaviour", name) for name in _BEHAVIOURS)
    head = (t("conduct.language"), *names, *(t(f"conduct.{name}") for name in ("transport", "unsure", "labelled")))
    return Table(t("conduct.answers"), head, tuple(rows), ours=True)


def detector_table(body: BehaviourV2, figures: Figures) -> Table:
    """Arrange what recall and specificity were measured on, and who labelled those answers."""
    t = figures.locale
    rows = []
    for language in body.languages:
        found = body.detector.get(language)
        said = (f"{found.n:,}", told_in(found.answers, t) or "-") if found is not None else ("0", "-")
        evaded = share(found.deflections, figures) if found and found.deflections else t("conduct.not_measured")
        rows.append((language_word(language, t), *said, *_trust(found, figures), evaded))
    columns = ("language", "measured_on", "which", "recall", "specificity", "recall_avoided")
    head = tuple(t(f"conduct.{name}") for name in columns)
    return Table(t("conduct.detector"), head, tuple(rows))


def flags_table(body: BehaviourV2, figures: Figures) -> Iterator[Table]:
    """Arrange flags by language, each count beside the answers it was looked for in; none where nothing was flagged."""
    t = figures.locale
    names = sorted({flag for counts in body.flags.values() for flag in counts})
    if not names:
        return
    asked = {language: sum(body.transport.get(language, {}).values()) for language in body.languages}
    rows = tuple(
        (
            language_word(language, t),
            *(
                t("conduct.of", count=body.flags.get(language, {}).get(name, 0), total=f"{asked[language]:,}")
                for name in names
            ),
        )
        for language in body.languages
    )
    yield Table(t("conduct.flags"), (t("conduct.language"), *(t.label("flag", one) for one in names)), rows, ours=True)


def instability_table(body: BehaviourV2, figures: Figures) -> Iterator[Table]:
    """Arrange the share of repeated items whose behaviour changes between draws; none where nothing was repeated."""
    t = figures.locale
    rows = tuple((language_word(name, t), share(one, figures)) for name, one in body.instability.items())
    if rows:
        yield Table(t("conduct.instability"), (t("conduct.language"), t("conduct.changed")), rows, ours=True)


def topics_table(body: BehaviourV2, figures: Figures) -> Iterator[Table]:
    """Arrange the topics by language: items avoided of items answered, and those that recite a state's line."""
    t = figures.locale
    if not body.topics:
        return
    rows = [
        (topic_word(topic, t), *(_topic(body, topic, language, t) for language in body.languages))
        for topic in body.topics
    ]
    head = (t("conduct.topic"), *(language_word(language, t) for language in body.languages))
    yield Table(*_headed(t("conduct.topics"), head, rows, figures), ours=True)


def _topic(body: BehaviourV2, topic: str, language: str, t: Locale) -> str:
    cell = body.topics[topic].get(language)
    if cell is None or cell.items == 0:
        return "-"
    text = t("conduct.of", count=f"{cell.avoided:.3g}", total=f"{cell.items:,}")
    return f"{text}; {t('conduct.recited', count=cell.narrative)}" if cell.narrative else text
