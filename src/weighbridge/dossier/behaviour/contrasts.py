"""Contrasts as tables: gaps between languages, sensitive against control, and candidate against baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.headline import standing_of
from weighbridge.dossier.behaviour.wording import difference, group_word, in_order, language_word, probability
from weighbridge.dossier.block import Table, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.core.kinds import ContrastBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["contrast_tables"]

_KINDS = ("difference-in-differences", "language-gap", "sensitive-control", "to-baseline")
_OUTCOMES = ("avoided", "refused", "narrative", "silent")


def contrast_tables(
    contrasts: Mapping[str, ContrastBody], figures: Figures, between: tuple[str, str] = ("", "")
) -> Iterator[Table]:
    """Yield a table a kind of contrast and outcome: all that were planned, not only what came out.

    Refusals alone are folded: they are part of what is avoided. Silence has a table where any is shown to differ.
    `between` says what the sides of a comparison are.
    """
    t = figures.locale
    for kind in _KINDS:
        for outcome in _OUTCOMES:
            found = [one for one in contrasts.values() if (one.what, one.outcome) == (kind, outcome)]
            if found and (outcome != "silent" or any(standing_of(one) == "shown" for one in found)):
                yield _table(
                    t("conduct." + outcome)
                    + t("figure.colon")
                    + t(f"contrast.{kind}", first=between[0], second=between[1]),
                    found,
                    figures,
                    folded=outcome == "refused",
                )


def _table(title: str, found: list[ContrastBody], figures: Figures, *, folded: bool) -> Table:
    t = figures.locale
    groups = in_order({one.group for one in found})
    found.sort(key=lambda one: groups.index(one.group))
    paired = any(one.here_only is not None for one in found)
    verdicts = any(one.margin is not None for one in found)
    columns = ["group", "languages", "difference", "p_adjusted"]
    columns += ["only"] if paired else []
    columns += ["equivalence"] if verdicts else []
    rows = [_row(one, figures, paired=paired, verdicts=verdicts) for one in found]
    caption, kept = cut_rows(title, rows, figures)
    head = tuple(t(f"conduct.{name}") for name in (*columns, "left_out"))
    return Table(caption, head, kept, ours=True, folded=folded)


def _row(one: ContrastBody, figures: Figures, *, paired: bool, verdicts: bool) -> tuple[str, ...]:
    t = figures.locale
    between = language_word(one.language, t)
    if one.reference:
        between = t("conduct.against", language=between, reference=language_word(one.reference, t))
    standing = standing_of(one)
    cells = [
        group_word(one.group, t),
        between,
        difference(one.estimate, figures),
        probability(one.p_adjusted) + (f" ({t(f'conduct.standing_{standing}')})" if standing != "not_shown" else ""),
    ]
    if paired:
        cells.append("-" if one.here_only is None else f"{one.here_only} : {one.there_only}")
    if verdicts:
        cells.append(_verdict(one, t))
    return (*cells, f"{one.left_out:,}")


def _verdict(one: ContrastBody, t: Locale) -> str:
    """Say whether no gap is shown, within how many points; a dash where nobody asked."""
    if one.margin is None or one.estimate is None:
        return "-"
    margin = t("figure.points", value=f"{100 * one.margin:.10g}")
    return t(f"equivalence.{one.equivalence or 'not shown'}", margin=margin)
