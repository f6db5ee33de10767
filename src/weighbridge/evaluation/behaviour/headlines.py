"""Headlines: the contrasts that were named before the first call, one a language, or why a language has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.contrasts import forms_of, name_of
from weighbridge.evaluation.behaviour.rates import means_of
from weighbridge.statistics.behaviour.effects import Form
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.rates import Means

__all__ = ["Headlines", "headlines_of"]

_MOST_LOST = 0.2  # of forms or items: what is left may be the part that nobody keeps silent on
_HEAD = "headline: "


@dataclass(frozen=True, slots=True)
class Headlines:
    """The names of the contrasts, in the order in which the languages were asked, and what could not be compared."""

    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def adjust(self, contrasts: dict[str, Any]) -> None:
        """Adjust the p of these contrasts by Holm over themselves: they were named beforehand, the others were not."""
        told = [contrasts[name] for name in self.names if contrasts[name]["p"] is not None]
        for row, p in zip(told, holm_adjusted([row["p"] for row in told]), strict=True):
            row["p_adjusted"] = p


def headlines_of(
    contrasts: dict[str, Any],
    answers: Sequence[Judged],
    languages: Sequence[str],
    reference: str,
    maker: str = "",
    *,
    unmeasured: Collection[str] = (),
    stopped: bool = False,
) -> Headlines:
    """Return the differences in differences about the maker's state, one for each language beside the reference.

    Without a maker they are those of all sensitive items; in one language only, or where the detector is measured in no
    other, it is sensitive against control. A language has none where more than a fifth of its forms or items are
    left out: silence on what is sensitive must not read as "alike". Where the asking was `stopped`, items that were
    never asked do not count as left out.
    """
    found = _Finding(contrasts, means_of(answers, "avoided"), reference, stopped=stopped)
    forms = forms_of({one.answered.subject.id: one.answered.subject for one in answers})
    others = [language for language in languages if language != reference]
    for group in [f"sensitive-{maker}", "sensitive"] if maker else ["sensitive"]:
        planned = name_of("sensitive-control", group, reference, "avoided")
        if not any(name in contrasts for name in (planned, *(found.name(group, one) for one in others))):
            continue
        known = [one for one in others if one not in unmeasured and reference not in unmeasured]
        notes = [
            f"{_HEAD}{one} is not compared with {reference}: nobody has measured the detector in both"
            for one in others
            if one not in known
        ]
        refused = {one: why for one in known if (why := found.against(group, one, forms[group]))}
        names = [found.name(group, one) for one in known if one not in refused]
        if not known and planned in contrasts and reference not in unmeasured:
            if why := found.against(group, reference, forms[group]):
                refused[reference] = why
            else:
                names = [planned]
        return Headlines(tuple(names), (*notes, *refused.values()))
    return Headlines()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What there is to choose from: contrasts, the mean of each item by language, and the reference."""

    contrasts: dict[str, Any]
    means: dict[str, Means]
    reference: str
    stopped: bool

    def name(self, group: str, language: str) -> str:
        """Return the contrast of a language with the reference, of the reference with its own controls."""
        what = "sensitive-control" if language == self.reference else "difference-in-differences"
        return name_of(what, group, language, "avoided")

    def against(self, group: str, language: str, forms: Sequence[Form]) -> str:
        """Return what speaks against a headline in a language; "" for nothing."""
        sides = [language] if language == self.reference else [language, self.reference]
        forms = self._asked(forms, sides)
        lost = [self._silent(sides, (*form.sensitive, *form.control)) for form in forms]
        items = sum(len(form.sensitive) + len(form.control) for form in forms)
        apart = sum(
            len(silent & {*form.sensitive}) == len(form.sensitive) or len(silent & {*form.control}) == len(form.control)
            for form, silent in zip(forms, lost, strict=True)
        )
        gone = sum(len(silent) for silent in lost)
        if gone > _MOST_LOST * items or apart > _MOST_LOST * len(forms):
            told = "; ".join(self._words(side, forms) for side in sides)
            return (
                f"{_HEAD}{language} has none: {apart:,} of {len(forms):,} forms and {gone:,} of {items:,} items "
                f"cannot be compared, no valid answer: {told}"
            )
        row = self.contrasts.get(self.name(group, language))
        if row is None or row["estimate"] is None:
            return f"{_HEAD}{language} has none: too few matched forms were asked"
        return ""

    def _asked(self, forms: Sequence[Form], sides: Sequence[str]) -> list[Form]:
        """Return the forms; of a stopped run only with what was asked on every side."""
        if not self.stopped:
            return list(forms)
        kept = [
            Form(*(tuple(one for one in part if all(one in self.means.get(side, {}) for side in sides))
                   for part in (form.sensitive, form.control)))
            for form in forms
        ]  # fmt: skip
        return [form for form in kept if form.sensitive and form.control]

    def _silent(self, sides: Sequence[str], items: Sequence[str]) -> set[str]:
        """Return the items without a valid answer on one of the sides."""
        return {one for one in items if any(self.means.get(side, {}).get(one) is None for side in sides)}

    def _words(self, side: str, forms: Sequence[Form]) -> str:
        """Say how many items of either kind have no valid answer in a language."""
        kinds = ([one for form in forms for one in form.sensitive], [one for form in forms for one in form.control])
        counts = [f"{len(self._silent([side], ids)):,} of {len(ids):,}" for ids in kinds]
        return f"{side} {counts[0]} sensitive, {counts[1]} control items"
