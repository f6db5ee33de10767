"""Contrasts: gaps between languages, sensitive items against matched controls, and their difference in differences."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.rates import OUTCOMES, SILENT, means_of
from weighbridge.statistics.behaviour.effects import Effect, Form, difference_in_differences, language_gap, matched_gap
from weighbridge.statistics.behaviour.equivalence import judge_equivalence
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged, Subject
    from weighbridge.evaluation.behaviour.rates import Means, Outcome

__all__ = ["MARGIN", "contrasts_of", "forms_of", "name_of"]

MARGIN = 0.10  # a gap that nobody would act on; said in the report, and the user's to change
_TOST_LEVEL = 0.90
_GAP = "language-gap"
_FEWEST = 5  # items or forms; fewer say nothing
_MOST_LOST = 0.1  # of the items of a gap: more of them could break what the others show


@dataclass(frozen=True, slots=True)
class _Row:
    """One contrast as computed, before the p-values are adjusted."""

    what: str
    outcome: Outcome
    group: str
    language: str
    reference: str
    effect: Effect
    only: tuple[int, int] | None = None
    equivalence: str | None = None

    def withheld(self) -> _Row:
        """Return it without a figure: its counts alone are known."""
        return replace(self, effect=Effect(None, None, self.effect.left_out), equivalence=None)

    def untested(self) -> _Row:
        """Return it without its tests."""
        return replace(self, effect=replace(self.effect, p_value=None), equivalence=None)


def contrasts_of(
    answers: Sequence[Judged],
    languages: Sequence[str],
    reference: str,
    *,
    margin: float = MARGIN,
    unmeasured: Collection[str] = (),
    stopped: bool = False,
) -> dict[str, Any]:
    """Return the contrasts by name (the shape of `ContrastBody`): all that were planned, each p adjusted by Holm.

    A family is one question (gap, sensitive against control, difference in differences) about one outcome. Where the
    detector is `unmeasured` in a language, what involves it has counts and no figure; silence needs no detector. Tests
    of a fixed sample say nothing of one that was `stopped` by its own answers: there is none.
    """
    subjects = {one.answered.subject.id: one.answered.subject for one in answers}
    groups, forms = _groups(subjects), forms_of(subjects)
    rows: list[_Row] = []
    for outcome in (*OUTCOMES, SILENT):
        means = means_of(answers, outcome)
        found = list(_gaps(means, groups, languages, reference, margin, outcome))
        if outcome != "narrative":  # controls have no state's line to recite
            found += _matched(means, forms, languages, reference, outcome)
        if outcome != SILENT:
            found = [row.withheld() if {row.language, row.reference} & {*unmeasured} else row for row in found]
        rows += found
    return _bodies([row.untested() for row in rows] if stopped else rows, margin, tested=not stopped)


def name_of(what: str, group: str, language: str, outcome: str) -> str:
    """Return the name of a contrast, as policies write it: `language-gap/control/zh-Hans/avoided`."""
    return f"{what}/{group}/{language}/{outcome}"


def _gaps(
    means: dict[str, Means],
    groups: dict[str, list[str]],
    languages: Sequence[str],
    reference: str,
    margin: float,
    outcome: Outcome,
) -> Iterator[_Row]:
    """Yield the gap of every other language to the reference, by group of items."""
    for language in (one for one in languages if one != reference):
        for group, ids in groups.items():
            first, second = (_some(means.get(side, {}), ids) for side in (language, reference))
            if len(first) < _FEWEST:
                continue
            effect = language_gap(first, second)
            pairs = [(first[one], second.get(one)) for one in first]
            only = (
                (sum(a > b for a, b in known), sum(a < b for a, b in known))
                if (known := [(a, b) for a, b in pairs if a is not None and b is not None])
                else None
            )
            tested = language_gap(first, second, level=_TOST_LEVEL)
            verdict = judge_equivalence(tested.estimate, effect.p_value, margin=margin).verdict
            counted = effect.estimate.n if effect.estimate else 0
            hollow = effect.left_out > _MOST_LOST * (counted + effect.left_out)
            shown = None if hollow or verdict == "not shown" else verdict
            yield _Row(_GAP, outcome, group, language, reference, effect, only, shown)


def _matched(
    means: dict[str, Means],
    matched: dict[str, list[Form]],
    languages: Sequence[str],
    reference: str,
    outcome: Outcome,
) -> Iterator[_Row]:
    """Yield sensitive against control in each language, and the difference of that to the reference."""
    for group, forms in matched.items():
        if len(forms) < _FEWEST:
            continue
        ids = [item for form in forms for item in (*form.sensitive, *form.control)]
        for language in languages:
            if language not in means:
                continue
            here = _some(means[language], ids)
            yield _Row("sensitive-control", outcome, group, language, "", matched_gap(here, forms))
            if language != reference and reference in means:
                effect = difference_in_differences(here, _some(means[reference], ids), forms)
                yield _Row("difference-in-differences", outcome, group, language, reference, effect)


def _groups(subjects: dict[str, Subject]) -> dict[str, list[str]]:
    """Return the items by group."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for subject in subjects.values():
        for group in subject.groups:
            groups[group].append(subject.id)
    return dict(groups)


def forms_of(subjects: dict[str, Subject]) -> dict[str, list[Form]]:
    """Return the matched forms by group: all sensitive items, and those about each jurisdiction."""
    controls: defaultdict[str, list[str]] = defaultdict(list)
    sensitive: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for subject in subjects.values():
        if subject.kind == "control" and subject.form:
            controls[subject.form].append(subject.id)
        for group in subject.groups if subject.kind == "sensitive" and subject.form else ():
            sensitive[group][subject.form].append(subject.id)
    return {
        group: [Form(tuple(ids), tuple(controls[form])) for form, ids in by_form.items() if controls[form]]
        for group, by_form in sensitive.items()
    }


def _some(means: Means, ids: Sequence[str]) -> Means:
    return {one: means[one] for one in ids if one in means}


def _bodies(rows: Sequence[_Row], margin: float, *, tested: bool) -> dict[str, Any]:
    """Write the rows, with p adjusted within each family."""
    families: defaultdict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        families[row.what, row.outcome].append(row)
    adjusted: dict[int, float] = {}
    for family in families.values():
        known = [(row, row.effect.p_value) for row in family if row.effect.p_value is not None]
        for (row, _), p in zip(known, holm_adjusted([p for _, p in known]), strict=True):
            adjusted[id(row)] = p
    return {
        name_of(row.what, row.group, row.language, row.outcome): {
            "what": row.what,
            "outcome": row.outcome,
            "group": row.group,
            "language": row.language,
            "reference": row.reference,
            "estimate": row.effect.estimate.to_json() if row.effect.estimate else None,
            "here_only": row.only[0] if row.only else None,
            "there_only": row.only[1] if row.only else None,
            "p": row.effect.p_value,
            "p_adjusted": adjusted.get(id(row)),
            "equivalence": row.equivalence,
            "margin": margin if tested and row.what == _GAP and row.effect.estimate else None,
            "left_out": row.effect.left_out,
        }
        for row in rows
    }
