"""Rules: why an event matters, what to do next and who should care; read from data and matched against facts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from weighbridge.core.event import EventKind, EventSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.watch.digest.stake import Demand

__all__ = ["CLAIMS", "ROLES", "SEVERITIES", "STEPS", "Claim", "NextStep", "Role", "Rule", "Rules", "shipped_rules"]

NextStep = Literal["nothing", "re-evaluate", "legal review", "freeze", "roll back"]
Role = Literal["platform engineer", "lawyer", "security officer", "product owner"]
Claim = Literal["seen", "hub", "maker"]

SEVERITIES: tuple[EventSeverity, ...] = get_args(EventSeverity)  # the mildest first
STEPS: tuple[NextStep, ...] = get_args(NextStep)
ROLES: tuple[Role, ...] = get_args(Role)
CLAIMS: tuple[Claim, ...] = get_args(Claim)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the facts that it asks for, and what follows where all of them hold."""

    id: str
    when: Mapping[str, frozenset[str | bool]]
    severity: EventSeverity
    next: NextStep
    roles: tuple[Role, ...]
    because: Mapping[str, str]

    def fits(self, facts: Mapping[str, str | bool]) -> bool:
        """Tell whether all facts are among those asked for; a fact that is not there fits nothing."""
        return all(name in facts and facts[name] in wanted for name, wanted in self.when.items())


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in their order, how each kind of change is known, and which evidence it makes old."""

    rules: tuple[Rule, ...]
    claims: Mapping[str, Claim]
    bears: Mapping[str, tuple[str, ...]]

    def matching(self, facts: Mapping[str, str | bool]) -> tuple[Rule, ...]:
        """Return the rules that fit, the most severe first, those of one severity in the order of the file."""
        found = [rule for rule in self.rules if rule.fits(facts)]
        return tuple(sorted(found, key=lambda rule: -SEVERITIES.index(rule.severity)))

    def because(self, rule_id: str, language: str = "en") -> str:
        """Return a rule's reason; "" for a rule that is not there, as of an older version."""
        return next((rule.because.get(language, "") for rule in self.rules if rule.id == rule_id), "")

    def resting(self, kind: EventKind, demands: tuple[Demand, ...]) -> tuple[Demand, ...]:
        """Return the demands of a policy whose evidence a change of this kind makes old."""
        wanted = self.bears.get(kind, ())
        return tuple(one for one in demands if one.kind in wanted or f"{one.kind}:{one.measure}" in wanted)


@cache
def shipped_rules() -> Rules:
    """Return the rules that ship; a mistake in them is ours: KeyError or ValueError."""
    table = tomllib.loads(files(__package__).joinpath("rules.toml").read_text(encoding="utf-8"))
    return Rules(
        tuple(_rule(entry) for entry in table["rule"]),
        {kind: cast("Claim", claim) for claim, kinds in table["claims"].items() for kind in kinds},
        {kind: tuple(evidence) for kind, evidence in table["bears"].items()},
    )


def _rule(entry: dict[str, Any]) -> Rule:
    if entry["severity"] not in SEVERITIES or entry["next"] not in STEPS or not set(entry["roles"]) <= set(ROLES):
        raise ValueError(f"rules.toml: `{entry['id']}` names a severity, step or role that is none")
    return Rule(
        entry["id"],
        {name: frozenset(value if isinstance(value, list) else [value]) for name, value in entry["when"].items()},
        cast("EventSeverity", entry["severity"]),
        cast("NextStep", entry["next"]),
        tuple(entry["roles"]),
        entry["because"],
    )
