"""Grade each framework by its own rule. Unknown never counts as open, and never as closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.openness import FrameworkBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.kinds.openness import OpenItemBody
    from weighbridge.inspection.openness.frameworks import Framework

__all__ = ["grade", "mof_class", "mof_progress"]

_CLASSES = ("Class III", "Class II", "Class I")
_STATES = ("open", "partial", "closed", "unknown")
_NAMED = 4


def grade(framework: Framework, items: Sequence[OpenItemBody]) -> FrameworkBody:
    """Return a framework's grade: OSAID met or not, a class of the MOF, or the index's items by state."""
    given, why = {"osaid": _osaid, "mof": _mof}.get(framework.id, _index)(items)
    return FrameworkBody(
        id=framework.id,
        name=framework.name,
        version=framework.version,
        source=framework.source,
        grade=given,
        why=why,
        counts={state: sum(item.state == state for item in items) for state in _STATES},
        items=list(items),
    )


def _osaid(items: Sequence[OpenItemBody]) -> tuple[str, str]:
    """OSAID 1.0 is met whole or not: every freedom, and every item of the three elements."""
    refused = [item.name for item in items if item.state in {"closed", "partial"}]
    if refused:
        return "not met", f"not open: {_few(refused)}"
    missing = [item.name for item in items if item.state != "open"]
    if missing:
        return "not shown", f"not known: {_few(missing)}"
    return "met", "every item is open"


def _mof(items: Sequence[OpenItemBody]) -> tuple[str, str]:
    """Return the class that is complete; what is missing from the next one is named."""
    reached = mof_class({item.name for item in items if item.state == "open"}, items)
    name = {3: "Class III", 2: "Class II", 1: "Class I"}.get(reached, "")
    wanted = _next(items, name)
    if not wanted:
        return name, "every required component of all classes is open"
    lacks = [item for item in items if item.group == wanted and item.required and not _is_met(item, items)]
    closed = [item.name for item in lacks if item.state in {"closed", "partial"}]
    unknown = [item.name for item in lacks if item.state == "unknown"]
    parts = [f"{word}: {_few(names)}" for word, names in (("not open", closed), ("not known", unknown)) if names]
    return name or ("no class" if closed else "not shown"), f"{wanted} lacks - {'; '.join(parts)}"


def _next(items: Sequence[OpenItemBody], reached: str) -> str:
    """Return the class after the one reached, "" after the last."""
    following = _CLASSES[_CLASSES.index(reached) + 1 :] if reached else _CLASSES
    return following[0] if following and items else ""


def mof_class(open_names: set[str], items: Sequence[OpenItemBody]) -> int:
    """Return 3, 2 or 1 for the highest class whose required components, and those of all lower ones, are open; else 0.

    Rule of the Model Openness Tool (lfai/model_openness_tool): a research paper stands in for the technical report.
    """
    reached = 0
    for number, name in zip((3, 2, 1), _CLASSES, strict=True):
        if not all(_counts(item.name, open_names) for item in items if item.group == name and item.required):
            break
        reached = number
    return reached


def mof_progress(open_names: set[str], items: Sequence[OpenItemBody]) -> dict[int, float]:
    """Return the percentage of required components that are open, of each class with those below it.

    Zero for a class above one that is not complete, as the Model Openness Tool shows it.
    """
    progress = {}
    complete = True
    needed: list[str] = []
    for number, name in zip((3, 2, 1), _CLASSES, strict=True):
        needed += [item.name for item in items if item.group == name and item.required]
        met = sum(_counts(one, open_names) for one in needed)
        progress[number] = round(100 * met / len(needed), 1) if complete and needed else 0.0
        complete = complete and met == len(needed)
    return progress


def _counts(name: str, open_names: set[str]) -> bool:
    return name in open_names or (name == "Technical report" and "Research paper" in open_names)


def _is_met(item: OpenItemBody, items: Sequence[OpenItemBody]) -> bool:
    return _counts(item.name, {one.name for one in items if one.state == "open"})


def _index(items: Sequence[OpenItemBody]) -> tuple[str, str]:
    """Count the dimensions by state: the index has no rule that would make one grade of them, and we invent none."""
    counts = [(state, sum(item.state == state for item in items)) for state in _STATES]
    said = ", ".join(f"{count} {state}" for state, count in counts if count)
    return said, f"of {len(items)} dimensions; the index's own marks are given by its editors"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
