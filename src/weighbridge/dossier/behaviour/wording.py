"""Wording: groups of items, languages, topics and shares as a reader says them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.visible import single_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.kinds import EstimateBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["difference", "does", "group_word", "in_order", "language_word", "probability", "share", "topic_word"]

_ORDER = ("all", "sensitive", "control", "safe", "unsafe", "neutral")
_STATE = "sensitive-"
_LONGEST = 80


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
    """Return groups in the order of reading: all, sensitive and each state, controls, then the others."""

    def place(group: str) -> tuple[int, str]:
        name = "sensitive" if group.startswith(_STATE) else group
        return (_ORDER.index(name) if name in _ORDER else len(_ORDER), group)

    return sorted(groups, key=place)


def share(estimate: EstimateBody | None, figures: Figures) -> str:
    """Write a share with interval and count, a dash where there is nothing to count."""
    return "-" if estimate is None else str(figures.estimate(estimate, "accuracy"))


def difference(estimate: EstimateBody | None, figures: Figures) -> str:
    """Write a difference of shares in points, with interval and count."""
    if estimate is None:
        return figures.locale("conduct.too_few")
    return str(figures.estimate(estimate, "difference"))


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
