"""Rulings: what became of one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from weighbridge.decision.rule import Outcome, Reason
from weighbridge.decision.waiver import Waiver

__all__ = ["EFFECTS", "Effect", "Ruling"]

Effect = Literal["none", "condition", "hold", "reject"]

EFFECTS: tuple[Effect, ...] = get_args(Effect)  # the mildest first


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of one rule, what it rests on, and what would change it.

    `effect` is what the ruling does to the verdict after waivers. `observed` is a JSON value: a plain one,
    an estimate as a table, or None where nothing was said. `evidence` are the ids considered, the one that
    decided first. `command` makes the evidence that `would_change` names, where a command can.
    """

    rule: str
    outcome: Outcome
    effect: Effect
    kind: str
    measure: str
    where: dict[str, Any]
    operator: str
    threshold: Any
    observed: Any
    reason: Reason
    because: str
    condition: str | None
    waived: Waiver | None
    evidence: tuple[str, ...]
    would_change: str
    command: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the ruling as JSON values."""
        return {
            "rule": self.rule,
            "outcome": self.outcome,
            "effect": self.effect,
            "kind": self.kind,
            "measure": self.measure,
            "where": dict(self.where),
            "operator": self.operator,
            "threshold": self.threshold,
            "observed": self.observed,
            "reason": self.reason.value,
            "because": self.because,
            "condition": self.condition,
            "waived": self.waived.to_json() if self.waived else None,
            "evidence": list(self.evidence),
            "would_change": self.would_change,
            "command": self.command,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Ruling:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError where it did not."""
        if value["outcome"] not in get_args(Outcome) or value["effect"] not in EFFECTS:
            raise ValueError(f"no outcome and effect: {value['outcome']!r}, {value['effect']!r}")
        return cls(
            **{
                **value,
                "outcome": cast(Outcome, value["outcome"]),
                "where": dict(value["where"]),
                "reason": Reason(value["reason"]),
                "waived": Waiver.from_json(value["waived"]) if value["waived"] else None,
                "evidence": tuple(value["evidence"]),
            }
        )
