"""Two models on the same items: the heat map of topics, the answers side by side, and two hosts of one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.behaviour.notes import told
from weighbridge.dossier.behaviour.wording import (
    does,
    group_word,
    language_word,
    share,
    side_words,
    sides_of,
    topic_word,
)
from weighbridge.dossier.block import Exchange, Exchanges, Side, Table, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import BehaviourComparisonV1, CellBody, PairBody, ServiceBody
    from weighbridge.dossier.block import Tone
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["heat_map", "pairs_side_by_side", "service_table"]

_FEW = 5  # items; fewer are written and not shaded
_STEPS = (0.05, 0.2, 0.4)  # shares of the items from which a shade is one step stronger
_MOST_PAIRS = 60
_ROUNDING = 1e-9


def heat_map(body: BehaviourComparisonV1, figures: Figures) -> Iterator[Table]:
    """Arrange topic by language: by how many items the candidate avoids more, and what each avoids of how many.

    Every cell says it in figures; the shade repeats it, and cells of fewer than five items have none.
    """
    t = figures.locale
    if not body.topics:
        return
    first, second = side_words(body, t)
    rows, tones = [], []
    for topic, cells in list(body.topics.items())[:200]:
        row = [cells.get(language) for language in body.languages]
        rows.append((topic_word(topic, t), *(_cell(one, t) for one in row)))
        tones.append(tuple(_tone(one) for one in row))
    head = (t("conduct.topic"), *(language_word(language, t) for language in body.languages))
    yield Table(t("conduct.heat", few=_FEW, first=first, second=second), head, tuple(rows), tuple(tones), ours=True)


def _cell(cell: CellBody | None, t: Locale) -> str:
    if cell is None or cell.items == 0:
        return "-"
    change = cell.candidate - cell.baseline
    text = "±0" if abs(change) < _ROUNDING else f"{change:+.3g}"
    return t("conduct.heat_cell", change=text, candidate=f"{cell.candidate:.3g}", baseline=f"{cell.baseline:.3g}",
             n=f"{cell.items:,}")  # fmt: skip


def _tone(cell: CellBody | None) -> Tone:
    """Return the shade of a cell: three steps up or down, none where the two hardly differ."""
    if cell is None or cell.items == 0:
        return ""
    if cell.items < _FEW:
        return "few"
    change = (cell.candidate - cell.baseline) / cell.items
    step = sum(abs(change) >= bound for bound in _STEPS)
    up: tuple[Tone, ...] = ("", "up-1", "up-2", "up-3")
    down: tuple[Tone, ...] = ("", "down-1", "down-2", "down-3")
    return up[step] if change > 0 else down[step]


def pairs_side_by_side(body: BehaviourComparisonV1, figures: Figures) -> Iterator[Exchanges]:
    """Yield the first questions on which the two differ, with both answers, behaviours and flags."""
    shown = body.pairs[:_MOST_PAIRS]
    if not shown:
        return
    t = figures.locale
    caption = t("conduct.pairs", shown=len(shown), count=f"{body.differing:,}")
    rows = tuple(_exchange(pair, figures) for pair in shown)
    yield Exchanges(caption, sides_of(body, t), rows, opened=True)


def _exchange(pair: PairBody, figures: Figures) -> Exchange:
    t = figures.locale
    about = [topic_word(pair.topic, t) if pair.topic else "", group_word(pair.group, t) if pair.group else ""]
    sides = (
        Side(does(pair.candidate, pair.candidate_flags, figures), pair.candidate_said),
        Side(does(pair.baseline, pair.baseline_flags, figures), pair.baseline_said),
    )
    return Exchange(pair.id, pair.language, " · ".join(filter(None, about)), pair.question, sides)


def service_table(body: ServiceBody, figures: Figures) -> Table:
    """Arrange what two hosts of one model show: how often they agree, the noise, and a filter in front."""
    t = figures.locale
    facts = (
        (t("serviced.verdict"), t.label("serviced_verdict", body.verdict)),
        (t("serviced.reason"), told(body.reason, t)),
        (t("serviced.items"), f"{body.items:,}"),
        (t("serviced.identical"), share(body.identical, figures)),
        (t("serviced.agreeing"), share(body.agreeing, figures)),
        (t("serviced.noise"), share(body.noise, figures)),
        (t("serviced.steady"), share(body.steady, figures)),
        (t("serviced.filtered"), f"{body.filtered_here} : {body.filtered_there}"),
        (t("serviced.silent"), f"{body.silent_here} : {body.silent_there}"),
        (t("serviced.canned"), f"{body.canned_here} : {body.canned_there}"),
        (t("serviced.filter_p"), "-" if body.filter_p is None else f"{body.filter_p:.2g}"),
    )
    return facts_table(t("serviced.caption"), facts, figures)
