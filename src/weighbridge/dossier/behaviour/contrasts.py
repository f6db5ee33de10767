"""Contrasts as tables: gaps between languages, sensitive against control, and candidate against baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.wording import difference, group_word, in_order, language_word, probability
from weighbridge.dossier.block import Table, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.core.kinds import ContrastBody
    from weighbridge.dossier.figure import Figures

__all__ = ["contrast_tables"]

_KINDS = ("difference-in-differences", "language-gap", "sensitive-control", "to-baseline")
_OUTCOMES = ("avoided", "refused", "narrative")
_LEVEL = 0.05


def contrast_tables(contrasts: Mapping[str, ContrastBody], figures: Figures) -> Iterator[Table]:
    """Yield one table a kind of contrast, outcome by outcome; all that were planned, not only what came out."""
    t = figures.locale
    for kind in _KINDS:
        found = [one for one in contrasts.values() if one.what == kind]
        if not found:
            continue
        groups = in_order({one.group for one in found})
        found.sort(key=lambda one: (_OUTCOMES.index(one.outcome), groups.index(one.group)))
        paired = any(one.here_only is not None for one in found)
        verdicts = any(one.equivalence for one in found)
        columns = ["outcome", "group", "languages", "difference", "p_adjusted"]
        columns += ["only"] if paired else []
        columns += ["equivalence"] if verdicts else []
        rows = [_row(one, figures, paired=paired, verdicts=verdicts) for one in found]
        caption, kept = cut_rows(t(f"contrast.{kind}"), rows, figures)
        yield Table(caption, tuple(t(f"conduct.{name}") for name in (*columns, "left_out")), kept, ours=True)


def _row(one: ContrastBody, figures: Figures, *, paired: bool, verdicts: bool) -> tuple[str, ...]:
    t = figures.locale
    between = language_word(one.language, t)
    if one.reference:
        between = t("conduct.against", language=between, reference=language_word(one.reference, t))
    clear = one.p_adjusted is not None and one.p_adjusted <= _LEVEL
    cells = [
        t(f"conduct.{one.outcome}"),
        group_word(one.group, t),
        between,
        difference(one.estimate, figures),
        probability(one.p_adjusted) + (f" ({t('conduct.clear')})" if clear else ""),
    ]
    if paired:
        cells.append("-" if one.here_only is None else f"{one.here_only} : {one.there_only}")
    if verdicts:
        margin = figures.bound(one.margin, "share") if one.margin is not None else "-"
        cells.append(t(f"equivalence.{one.equivalence}", margin=margin) if one.equivalence else "-")
    return (*cells, f"{one.left_out:,}")
