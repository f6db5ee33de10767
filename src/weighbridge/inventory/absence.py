"""The proof of absence, and where it ends: what was searched, what was not, and what the method cannot see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.inventory.denial import judge_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.inventory.denial import Denial, Judged
    from weighbridge.inventory.found import Unsearched
    from weighbridge.inventory.row import Model

__all__ = ["Absence", "Root", "judge_absence"]

_BLIND = (
    "Weights that were renamed or converted and carry no metadata are known by their files' names alone.",
    "A hosted service may run another model than the one it names; code shows the name, not the model.",
    "Encrypted or password-protected files, and formats that are not read, hide what they hold.",
    "A model that is fetched when a program runs, by a name that the program puts together, leaves no trace in files.",
    "What a publisher declares of a base is a statement, not a proof; nobody compared the weights here.",
)


@dataclass(frozen=True, slots=True)
class Root:
    """One place that was searched: what it is, how much was looked at, and what was left out by which rule."""

    place: str
    kind: Literal["folder", "file", "endpoint", "list"]
    files: int = 0
    folders: int = 0
    n_bytes: int = 0
    archives: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Absence:
    """The answer to what was denied.

    `outcome` is `present` where something is there, `shown` where everything that was found excludes it and nothing
    was left unsearched, `not shown` where something may hide it, and `not asked` without a denial.
    """

    outcome: Literal["present", "shown", "not shown", "not asked"]
    claim: str
    denied: tuple[tuple[Denial, Model, Judged], ...]
    possible: tuple[tuple[Denial, Model, Judged], ...]
    limits: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Return 12 where something denied is there, 11 where absence is not shown, 0 otherwise."""
        return {"present": 12, "not shown": 11}.get(self.outcome, 0)

    def denied_json(self) -> list[dict[str, Any]]:
        """Return what is there and may not be, one row a denial and a model."""
        return [_row(*one) for one in self.denied]

    def possible_json(self) -> list[dict[str, Any]]:
        """Return what could not be excluded, one row a denial and a model."""
        return [_row(*one) for one in self.possible]


def judge_absence(
    denials: Sequence[Denial], models: Sequence[Model], unsearched: Sequence[Unsearched], roots: Sequence[Root]
) -> Absence:
    """Hold every model against every denial, and say what that proves."""
    judged = [(denial, model, judge_model(denial, model)) for denial in denials for model in models]
    denied = tuple(one for one in judged if one[2].outcome == "denied")
    possible = tuple(one for one in judged if one[2].outcome == "possible")
    limits = [one.note for one in denials if one.note]
    if unsearched:
        limits.append(
            f"{len(unsearched):,} place{_s(unsearched)} seen and not searched; each is listed with its reason."
        )
    open_rows = sum(not model.is_resolved for model in models)
    if open_rows:
        limits.append(f"Of {len(models):,} models found, the origin of {open_rows:,} is not known to the root.")
    limits += _BLIND
    if not denials:
        return Absence("not asked", "No question was asked: this is a list of what was found.", (), (), tuple(limits))
    what = " or ".join(f"`{one.text}`" for one in denials)
    where = _where(roots)
    if denied:
        n = len({model.reference for _, model, _ in denied})
        claim = f"{n} model{'' if n == 1 else 's'} found in {where} {'is' if n == 1 else 'are'} denied by {what}."
        return Absence("present", claim, denied, possible, tuple(limits))
    if possible or unsearched:
        n = len({model.reference for _, model, _ in possible})
        parts = [f"{n} of {len(models):,} models cannot be excluded"] if n else []
        parts += [f"{len(unsearched):,} place{_s(unsearched)} not searched"] if unsearched else []
        claim = f"Nothing in {where} was found to be {what}, but that is no proof: {' and '.join(parts)}."
        return Absence("not shown", claim, denied, possible, tuple(limits))
    found = f"{len(models):,} model{'' if len(models) == 1 else 's'} found, each traced to its root" if models else (
        "no model found"
    )  # fmt: skip
    claim = f"Nothing denied by {what} was found in {where}: {found}, within the limits below."
    return Absence("shown", claim, denied, possible, tuple(limits))


def _where(roots: Sequence[Root]) -> str:
    """Say what was searched, with counts."""
    files, archives = sum(one.files for one in roots), sum(one.archives for one in roots)
    asked = sum(one.kind == "endpoint" for one in roots)
    parts = []
    if n := len(roots) - asked:
        inside = f"{files:,} file{'' if files == 1 else 's'}" + (f", {archives:,} archives" if archives else "")
        parts = [f"{n} root{'' if n == 1 else 's'} ({inside})"]
    parts += [f"{asked} endpoint{'' if asked == 1 else 's'}"] if asked else []
    return " and ".join(parts) or "no place"


def _s(many: Sequence[object]) -> str:
    return " was" if len(many) == 1 else "s were"


def _row(denial: Denial, model: Model, judged: Judged) -> dict[str, Any]:
    return {
        "denial": denial.text, "reference": model.reference, "why": judged.why,
        "confidence": judged.confidence.value, "places": [one.place for one in model.traces],
    }  # fmt: skip
