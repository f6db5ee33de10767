"""Wording: groups of items, languages, topics and shares as a reader says them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.kinds import BehaviourComparisonV1, EstimateBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = [
    "classes_of", "difference", "does", "group_word", "in_order", "joined", "language_word", "probability", "share",
    "side_words", "sides_of", "topic_word",
]  # fmt: skip

_ALL = "all"
_ORDER = ("sensitive", "control", "safe", "unsafe", "neutral")
_STATE = "sensitive-"
_LONGEST = 80
_HARD_SPACE = "\u00a0"


def language_word(tag: str, t: Locale) -> str:
    """Return a language by name and tag: `Chinese, simplified (zh-Hans)`; the tag alone where there is no name."""
    name = t.label("tongue", tag)
    return single_line(tag, _LONGEST) if name == tag else f"{name} ({tag})"


def group_word(group: str, t: Locale) -> str:
    """Return a group of items: a class, or the sensitive ones about one state."""
    if group.startswith(_STATE):
        code = group.removeprefix(_STATE)
        return t("group.about", state=t.label("state", single_line(code, _LONGEST)))
    return single_line(t.label("group", group), _LONGEST)


def topic_word(topic: str, t: Locale) -> str:
    """Return a topic of the bank that ships; a topic of another bank as it is called."""
    return single_line(t.label("topic", topic), _LONGEST)


def in_order(groups: Iterable[str]) -> list[str]:
    """Return groups in the order of reading: sensitive and each state, controls, then the others, all of them last."""

    def place(group: str) -> tuple[int, str]:
        name = "sensitive" if group.startswith(_STATE) else group
        return (_ORDER.index(name) if name in _ORDER else len(_ORDER) + (group == _ALL), group)

    return sorted(groups, key=place)


def classes_of(groups: Iterable[str]) -> list[str]:
    """Return groups in the order of reading without `all`, which pools what ought to be refused with what ought not.

    Where no class is known, all is what there is.
    """
    ordered = in_order(groups)
    return [one for one in ordered if one != _ALL] or ordered


def side_words(body: BehaviourComparisonV1, t: Locale) -> tuple[str, str]:
    """Return what the two sides are: candidate and baseline, or two hosts of one model."""
    if body.relation == "service":
        return t("conduct.first_host"), t("conduct.second_host")
    return t("conduct.candidate"), t("conduct.baseline")


def sides_of(body: BehaviourComparisonV1, t: Locale) -> tuple[str, str]:
    """Return what the two sides are called: by name, and by side as well where the names do not tell them apart."""
    names = (body.candidate_name, body.baseline_name)
    if body.relation != "service" and names[0] != names[1]:
        return names
    first, second = (
        t("conduct.side", name=name, side=side) for name, side in zip(names, side_words(body, t), strict=True)
    )
    return first, second


def share(estimate: EstimateBody | None, figures: Figures) -> str:
    """Write a share with interval and count, a dash where there is nothing to count.

    What could not count is told once, by the table of answers.
    """
    return "-" if estimate is None else _unbroken(estimate, "accuracy", figures)


def difference(estimate: EstimateBody | None, figures: Figures) -> str:
    """Write a difference of shares in points, with interval and count; what was left out has a column of its own."""
    if estimate is None:
        return figures.locale("conduct.too_few")
    return _unbroken(estimate, "difference", figures)


def _unbroken(estimate: EstimateBody, measure: str, figures: Figures) -> str:
    """Write an estimate that breaks between its parts only, so that narrow columns stay legible."""
    found = figures.estimate(estimate.model_copy(update={"unscored": 0}), measure)
    value, interval, count = (part.replace(" ", _HARD_SPACE) for part in (found.value, found.interval, found.count))
    return f"{value} {interval}, {count}"


def joined(sentences: Iterable[str], t: Locale) -> str:
    """Return sentences as one paragraph; Chinese has no spaces between them."""
    return ("" if t.language == "zh" else " ").join(sentences)


def probability(p: float | None) -> str:
    """Write a p-value; a very small one as a bound."""
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"  # noqa: PLR2004 - smaller says no more


def does(behaviour: str, flags: Iterable[str], figures: Figures, *, unsure: bool = False, by: str = "detector") -> str:
    """Write what an answer does: its behaviour, its flags, and who is not sure of it or decided it."""
    t = figures.locale
    words = [t.label("behaviour", behaviour) if behaviour else t("conduct.no_answer")]
    words += [t.label("flag", flag) for flag in flags]
    words += [t("conduct.unsure")] if unsure else []
    words += [t(f"conduct.by_{by}")] if by != "detector" else []
    return "; ".join(words)
