"""Rules: one demand each, and how one body of evidence is judged by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.decision.measure import Shape, fits, value_at

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence

__all__ = ["Consequence", "Judgement", "Operator", "Outcome", "Reason", "Rule", "judge"]

Outcome = Literal["pass", "fail", "unknown"]
Consequence = Literal["condition", "hold", "reject"]

_SHOWN_CHARACTERS = 400
_SHOWN_ENTRIES = 50


class Operator(StrEnum):
    """The five ways to compare."""

    AT_LEAST = "at-least"
    AT_MOST = "at-most"
    EQUALS = "equals"
    IN = "in"
    PRESENT = "present"


class Reason(StrEnum):
    """Why a ruling came out as it did."""

    MET = "met"
    NOT_MET = "not-met"
    NOT_CLEAR = "not-clear"  # the interval reaches over the threshold
    NO_EVIDENCE = "no-evidence"
    NOT_SAID = "not-said"  # looked at, and the measure is not known
    STALE = "stale"
    TOO_FEW = "too-few"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand of a policy: what must be true of a measure, what follows where it is not, and why.

    `shape` is what the kind's model says the measure is; a body that holds something else says nothing.
    """

    id: str
    kind: str
    measure: str
    shape: Shape
    operator: Operator
    threshold: Any
    because: str
    on_fail: Consequence
    on_unknown: Consequence = "hold"
    where: dict[str, Any] = field(default_factory=dict)
    condition: str | None = None
    min_n: int | None = None
    max_age_days: int | None = None

    def considers(self, statement: Evidence) -> bool:
        """Tell whether a statement is about what this rule asks; its date is not looked at."""
        return statement.kind == self.kind and all(
            _same(value_at(statement.body, path), wanted) for path, wanted in self.where.items()
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one body of evidence is by one rule; `observed` is a JSON value, None where nothing was said."""

    outcome: Outcome
    reason: Reason
    observed: Any = None


_NOT_SAID = Judgement("unknown", Reason.NOT_SAID)


def judge(rule: Rule, body: Any) -> Judgement:
    """Judge one body. What is missing or malformed is unknown, never a pass and never an exception."""
    value = value_at(body, rule.measure)
    if value is None or not fits(value, rule.shape):
        return _NOT_SAID
    if rule.shape is Shape.ESTIMATE:
        estimate = _estimate(value)
        return _NOT_SAID if estimate is None else _judge_estimate(rule, estimate)
    met = _is_met(rule, value)
    if met is None:
        return _NOT_SAID
    return Judgement("pass" if met else "fail", Reason.MET if met else Reason.NOT_MET, _shown(value))


def _judge_estimate(rule: Rule, estimate: dict[str, Any]) -> Judgement:
    """Compare the whole interval: it passes or fails only where all of it does."""
    if rule.min_n is not None and estimate["n"] < rule.min_n:
        return Judgement("unknown", Reason.TOO_FEW, estimate)
    if rule.operator is Operator.PRESENT:
        return Judgement("pass", Reason.MET, estimate)
    low, high, wanted = estimate["low"], estimate["high"], rule.threshold
    if rule.operator is Operator.AT_LEAST:
        met, missed = low >= wanted, high < wanted
    else:
        met, missed = high <= wanted, low > wanted
    if met:
        return Judgement("pass", Reason.MET, estimate)
    if missed:
        return Judgement("fail", Reason.NOT_MET, estimate)
    return Judgement("unknown", Reason.NOT_CLEAR, estimate)


def _is_met(rule: Rule, value: Any) -> bool | None:
    """Compare a plain value; None where it cannot be compared."""
    wanted = rule.threshold
    match rule.operator:
        case Operator.PRESENT:
            return fits(value, Shape.NUMBER) or bool(value)
        case Operator.EQUALS:
            return _same(value, wanted)
        case Operator.IN:
            # An empty list declares nothing, so it must not pass as "all of them are in".
            entries = value if isinstance(value, list) else [value]
            return all(any(_same(entry, one) for one in wanted) for entry in entries) if entries else None
    if not fits(value, Shape.NUMBER):
        return None
    return bool(value >= wanted if rule.operator is Operator.AT_LEAST else value <= wanted)


def _same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are equal, where True is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _estimate(value: Any) -> dict[str, Any] | None:
    """Return the estimate in a body, or None where it is none: a number without its interval is not one."""
    low, middle, high, n = (value.get(name) for name in ("low", "value", "high", "n"))
    if not all(fits(number, Shape.NUMBER) for number in (low, middle, high, n)):
        return None
    if not low <= high or n < 0:
        return None
    unscored, level, method = value.get("unscored", 0), value.get("level", 0.95), value.get("method", "")
    return {
        "value": middle,
        "low": low,
        "high": high,
        "n": n,
        "method": str(method)[:_SHOWN_CHARACTERS],
        "level": level if fits(level, Shape.NUMBER) else 0.95,
        "unscored": unscored if fits(unscored, Shape.NUMBER) else 0,
    }


def _shown(value: Any) -> Any:
    """Return a value short enough to stand in a decision: tables and records are counted."""
    if isinstance(value, Mapping):
        return len(value)
    if isinstance(value, list):
        texts = all(isinstance(entry, str) for entry in value)
        return [_shown(entry) for entry in value[:_SHOWN_ENTRIES]] if texts else len(value)
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return value[:_SHOWN_CHARACTERS] + "…"
    return value
