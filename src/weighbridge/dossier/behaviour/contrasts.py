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
    """Yield a table a kind of contrast and outcome: all that were planned, not only what came out.

    Refusals alone are folded: they are part of what is avoided.
    """
    for kind in _KINDS:
        for outcome in _OUTCOMES:
            found = [one for one in contrasts.values() if (one.what, one.outcome) == (kind, outcome)]
            if found:
                yield _table(kind, outcome, found, figures)


def _table(kind: str, outcome: str, found: list[ContrastBody], figures: Figures) -> Table:
    t = figures.locale
    groups = in_order({one.group for one in found})
    found.sort(key=lambda one: groups.index(one.group))
    paired = any(one.here_only is not None for one in found)
    verdicts = any(one.equivalence for one in found)
    columns = ["group", "languages", "difference", "p_adjusted"]
    columns += ["only"] if paired else []
    columns += ["equivalence"] if verdicts else []
    rows = [_row(one, figures, paired=paired, verdicts=verdicts) for one in found]
    title = t(f"conduct.{outcome}") + t("figure.colon") + t(f"contrast.{kind}")
    caption, kept = cut_rows(title, rows, figures)
    head = tuple(t(f"conduct.{name}") for name in (*columns, "left_out"))
    return Table(caption, head, kept, ours=True, folded=outcome == "refused")


def _row(one: ContrastBody, figures: Figures, *, paired: bool, verdicts: bool) -> tuple[str, ...]:
    t = figures.locale
    between = language_word(one.language, t)
    if one.reference:
        between = t("conduct.against", language=between, reference=language_word(one.reference, t))
    clear = one.p_adjusted is not None and one.p_adjusted <= _LEVEL
    cells = [
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
