"""The four probes: each asks, counts, and holds the suite against its control."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import STORED
from weighbridge.evaluation.contamination.cutting import continued, half, last_option, repeats, rotations, units
from weighbridge.evaluation.forced import force_hidden
from weighbridge.evaluation.item import LETTERS
from weighbridge.evaluation.marks import mark_all
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import ask_and_tell, settle_form
from weighbridge.evaluation.suite import Score
from weighbridge.evaluation.thinking import answer_part
from weighbridge.statistics.clustered import mean_estimate
from weighbridge.statistics.interval import share_estimate
from weighbridge.statistics.permutation import fisher_greater, reassignment_greater, swap_greater

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.contamination.cutting import Cut
    from weighbridge.evaluation.item import Item
    from weighbridge.evaluation.marks import Mark
    from weighbridge.evaluation.run import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["FEWEST", "VARIANT_OF", "Asking", "missing_option", "order", "paraphrase", "verbatim"]

FEWEST = 10  # usable questions on either side
VARIANT_OF = "variant_of"  # in an item's data: the id of the question that it says in other words or numbers
_EXAMPLES, _MOST = 3, 400
_SHOWS = {
    "verbatim": "That the model continues the suite's texts word for word more often than texts it cannot have seen. "
    "Not that it knows the answers; and texts more usual than the control's are easier to continue.",
    "missing-option": "That the model names wrong options it was not shown, which no skill gives. Not that it knows "
    "the answers; a list of options with a pattern can be guessed, and more of them than in the control.",
    "order": "That the model is better with the answer at its published letter than at others, its liking for letters "
    "taken out. Not that it has seen the texts; a suite whose options were shuffled since cannot show it.",
    "paraphrase": "That the model does better on the published wording than on others of the same question. Not why: "
    "the variants may be harder, or worse written.",
}


@dataclass(slots=True)
class Asking:
    """Who is asked, and how many requests that took so far."""

    subject: str
    engine: Engine
    session: Session
    calls: int = 0
    oldest: date = date.max

    async def marks(self, suite: Suite) -> tuple[list[Mark], Form]:
        """Ask a suite and mark it."""
        settled = await settle_form(suite, self.subject, self.engine, self.session)
        plan = make_plan(suite, self.subject, self.engine.identity, settled.form, asked=settled.asked)
        run = await ask_and_tell(plan, self.engine, self.session)
        plan, _ = await force_hidden(plan, run, self.subject, self.engine, self.session)
        self.calls, self.oldest = self.calls + run.calls + settled.calls, min(self.oldest, run.oldest)
        return mark_all(plan, run), settled.form

    async def said(self, suite: Suite, cuts: Sequence[Cut], probe: str) -> tuple[list[tuple[Cut, str]], Form]:
        """Let texts be continued; what got no answer is left out."""
        asked = continued(suite, cuts, probe, one_line=probe == "missing-option")
        settled = await settle_form(asked, self.subject, self.engine, self.session)
        plan = make_plan(asked, self.subject, self.engine.identity, settled.form, asked=settled.asked)
        run = await ask_and_tell(plan, self.engine, self.session)
        self.calls, self.oldest = self.calls + run.calls + settled.calls, min(self.oldest, run.oldest)
        pairs = zip(cuts, run.completions, strict=True)
        return [(cut, answer_part(one).text) for cut, one in pairs if one.outcome in STORED], settled.form


async def verbatim(asking: Asking, suite: Suite, items: Sequence[Item], control: Suite) -> dict[str, Any] | str:
    """Give the first half of each question, and count where the model goes on word for word."""
    bare = [replace(one, choices=()) for one in control.items]
    texts = list(control.items) if any(item.choices for item in items) else bare
    return await _beside_control(asking, "verbatim", suite, (items, control, texts), half, repeats)


async def missing_option(asking: Asking, suite: Suite, items: Sequence[Item], control: Suite) -> dict[str, Any] | str:
    """Leave the last wrong option out, and count where the model writes just that one."""
    sides = (items, control, list(control.items))
    return await _beside_control(asking, "missing-option", suite, sides, last_option, _names)


def _names(cut: Cut, said: str) -> bool:
    """Say whether the first line that is said is the option."""
    lines = said.strip().splitlines()
    return bool(lines) and units(lines[0]) == units(cut.follows)


async def _beside_control(
    asking: Asking,
    probe: str,
    suite: Suite,
    sides: tuple[Sequence[Item], Suite, Sequence[Item]],
    cut: Callable[[Item], Cut | None],
    hit: Callable[[Cut, str], bool],
) -> dict[str, Any] | str:
    """Ask cuts of the suite and of the control, and compare the shares of hits by Fisher's exact test."""
    items, control, unseen = sides
    mine, theirs = ([one for one in map(cut, some) if one is not None] for some in (items, unseen))
    if min(len(mine), len(theirs)) < FEWEST:
        return (
            f"it can use {len(mine)} questions of the suite and {len(theirs)} of the control; {FEWEST} are the fewest"
        )
    said, form = await asking.said(suite, mine, probe)
    others, other_form = await asking.said(control, theirs, probe)
    if form != other_form or min(len(said), len(others)) < FEWEST:
        return f"{len(said)} of {len(mine)} questions and {len(others)} of {len(theirs)} controls were answered"
    hits = [(one, text) for one, text in said if hit(one, text)]
    unseen_hits = sum(hit(one, text) for one, text in others)
    found, beside = share_estimate(len(hits), len(said)), share_estimate(unseen_hits, len(others))
    return {
        "probe": probe,
        "form": form,
        "found": _json(found),
        "control": _json(beside),
        "difference": _json(_newcombe(found, beside)),
        "p_value": fisher_greater(len(hits), len(said), unseen_hits, len(others)),
        "left_out": len(items) - len(said),
        "method": "Fisher's exact test, one-sided",
        "shows": _SHOWS[probe],
        "examples": [
            {"id": one.id, "expected": one.follows[:_MOST], "said": text.strip()[:_MOST]}
            for one, text in hits[:_EXAMPLES]
        ],
    }


async def order(asking: Asking, suite: Suite, items: Sequence[Item]) -> dict[str, Any] | str:
    """Ask each question with its options in every cyclic order, and test whether the published one is special.

    After Oren et al. 2310.17623 (exchangeability), by right answers, as no engine gives the log-probability of a long
    prompt cheaply: under the null the published letters were dealt to the questions without regard to the model.
    """
    turned = rotations(suite, items)
    if len(turned.items) < 3 * FEWEST:
        return f"it can use {len({one.id.rpartition('@')[0] for one in turned.items})} questions of the suite"
    marks, form = await asking.marks(turned)
    rows: dict[str, dict[int, tuple[str, float]]] = {}
    for mark in marks:
        name, _, shift = mark.item.id.rpartition("@")
        if isinstance(mark.mark, Score):
            rows.setdefault(name, {})[int(shift)] = (mark.item.answer, float(mark.mark.label == "right"))
    sizes = {one.id.rpartition("@")[0]: len(one.choices) for one in turned.items}
    whole = [name for name in rows if len(rows[name]) == sizes[name]]
    if len(whole) < FEWEST:
        return f"{len(whole)} questions were answered in every order; {FEWEST} are the fewest"
    table = np.zeros((len(whole), max(sizes.values())))
    for at, name in enumerate(whole):
        for letter, right in rows[name].values():
            table[at, LETTERS.index(letter)] = right
    chosen = np.array([LETTERS.index(rows[name][0][0]) for name in whole])
    strata = [sizes[name] for name in whole]
    gaps = _gaps(table, chosen, strata)
    right = int(table[np.arange(len(whole)), chosen].sum())
    return {
        "probe": "order",
        "form": form,
        "found": _json(share_estimate(right, len(whole))),
        "control": None,
        "difference": _json(mean_estimate(gaps, within=(-1.0, 1.0))),
        "p_value": reassignment_greater(table, chosen, strata, seed=_seed(suite, "order")),
        "left_out": len(items) - len(whole),
        "method": "permutation of the published letters among the questions, 9,999 draws",
        "shows": _SHOWS["order"],
        "examples": [],
    }


def _gaps(
    table: np.ndarray[Any, np.dtype[np.float64]], chosen: np.ndarray[Any, Any], strata: Sequence[int]
) -> list[float]:
    """Return, by question, right at the published letter minus the mean over letters as often as they are published."""
    gaps = []
    for at, size in enumerate(strata):
        published = chosen[[other == size for other in strata]]
        gaps.append(float(table[at, chosen[at]] - table[at, published].mean()))
    return gaps


async def paraphrase(asking: Asking, suite: Suite, items: Sequence[Item]) -> dict[str, Any] | str:
    """Ask questions beside their variants (`variant_of` in an item's data), where a suite holds such."""
    wanted = {item.id for item in items}
    variants = [item for item in suite.items if item.data.get(VARIANT_OF) in wanted]
    if not variants:
        return f"the suite holds no paraphrases or variants (`{VARIANT_OF}` in an item's `data`)"
    having = {str(item.data[VARIANT_OF]) for item in variants}
    chosen = tuple(item for item in suite.items if item.id in having or item in variants)
    ids = digest_of([suite.digest, "paraphrase", [item.id for item in chosen]])
    marks, form = await asking.marks(replace(suite, name=f"{suite.name}: paraphrase", items=chosen, digest=ids))
    right = {m.item.id: float(m.mark.label == "right") for m in marks if isinstance(m.mark, Score)}
    rows = []
    for name in sorted(having & set(right)):
        others = [right[one.id] for one in variants if one.data[VARIANT_OF] == name and one.id in right]
        if others:
            rows.append([right[name], *others])
    if len(rows) < FEWEST:
        return f"{len(rows)} questions with variants were marked; {FEWEST} are the fewest"
    gaps = [row[0] - sum(row[1:]) / len(row[1:]) for row in rows]
    return {
        "probe": "paraphrase",
        "form": form,
        "found": _json(share_estimate(sum(row[0] == 1 for row in rows), len(rows))),
        "control": _json(mean_estimate([sum(row[1:]) / len(row[1:]) for row in rows], within=(0.0, 1.0))),
        "difference": _json(mean_estimate(gaps, within=(-1.0, 1.0))),
        "p_value": swap_greater(rows, seed=_seed(suite, "paraphrase")),
        "left_out": len(having) - len(rows),
        "method": "permutation of original and variants, 9,999 draws",
        "shows": _SHOWS["paraphrase"],
        "examples": [],
    }


def _seed(suite: Suite, probe: str) -> int:
    """Return a seed that nobody chooses."""
    return int(digest_of([suite.digest, probe])[-12:], 16)


def _newcombe(first: Estimate | None, second: Estimate | None) -> Estimate | None:
    """Return the difference of two shares from different questions (Newcombe 1998, Stat. Med. 17:873, method 10)."""
    if first is None or second is None:
        return None
    gap = first.value - second.value
    down = ((first.value - first.low) ** 2 + (second.high - second.value) ** 2) ** 0.5
    up = ((first.high - first.value) ** 2 + (second.value - second.low) ** 2) ** 0.5
    return replace(first, value=gap, low=max(-1.0, gap - down), high=min(1.0, gap + up), method="Newcombe (method 10)")


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    """Return an estimate as JSON values."""
    return estimate.to_json() if estimate else None
