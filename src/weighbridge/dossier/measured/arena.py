"""Arena: candidate against baseline by blind votes, what a judge says beside people, and how much holds it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import Section, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import ArenaV1, EstimateBody
    from weighbridge.dossier.figure import Figures

__all__ = ["arena_section"]

_EVEN = 0.5
_SHARES = ("win_rate", "first_place", "voters_agree", "judged_win_rate", "judge_first_place", "judge_flips")
_RATINGS = ("rating_difference", "style_difference")
_COUNTS = ("votes", "voters", "both_bad", "identical", "missing")


def arena_section(body: ArenaV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange an `arena/v1`; who wins is said only where the interval leaves an even share out."""
    t = figures.locale
    heading = t.label("kind", "arena/v1") + t("figure.colon") + t("measured.against", name=body.baseline_name)
    lead = [t("arena.tie")]
    lead += [t("arena.drop", count=body.drop_votes)] if body.drop_votes is not None else []
    table = facts_table(t("arena.caption"), _rows(body, figures), figures)
    return Section("arena", heading, anchor, tuple(lead), (table,), t(f"arena.{_standing(body.win_rate)}"),
                   (t("arena.voters_only"),))  # fmt: skip


def _standing(win_rate: EstimateBody | None) -> str:
    """Return `better`, `worse`, `undecided`, or `no_votes`."""
    if win_rate is None:
        return "no_votes"
    return "better" if win_rate.low > _EVEN else "worse" if win_rate.high < _EVEN else "undecided"


def _rows(body: ArenaV1, figures: Figures) -> Iterator[tuple[str, str]]:
    t = figures.locale
    for name in (*_SHARES, *_RATINGS):
        found: EstimateBody | None = getattr(body, name)
        measure = name if name in _RATINGS else "accuracy"
        yield t(f"measure.{name}"), str(figures.estimate(found, measure)) if found else "-"
    for name in _COUNTS:
        yield t(f"measure.{name}"), f"{getattr(body, name):,}"
    yield t("measure.judge_name"), body.judge_name or "-"
    yield t("measured.suite"), f"{body.suite.name} · {t('document.version', version=body.suite.version)}"
    yield t("measure.ballot"), body.ballot
