"""Gates of counts in a policy: whom they let pass by luck, and what count would show the rate that they ask for.

A gate is a rule about `rates.LANGUAGE.GROUP.observed` of `behaviour/v2`, a share as counted, beside a rule that asks
for a number of `items`. It looks at no interval, so a model at the threshold passes about every second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.decision.rule import Operator
from weighbridge.statistics.behaviour.acceptance import CountGate, chance_of_all, gate_at_share, least_count_shown

if TYPE_CHECKING:
    from weighbridge.decision.policy import Policy
    from weighbridge.decision.rule import Rule

__all__ = ["PolicyGate", "gates_of", "words_for_gates"]

_KIND = "behaviour/v2"
_COUNTED, _COUNT = "observed", "items"
_BESIDE = 0.02  # two points to either side of the threshold


@dataclass(frozen=True, slots=True)
class PolicyGate:
    """A rule of counts: `gate` counts what the rule wants, `share` is the smallest share of it that passes."""

    rule: str
    gate: CountGate
    share: float


def gates_of(policy: Policy) -> tuple[PolicyGate, ...]:
    """Return the gates of a policy, each at the fewest items that the policy takes; without a number there is none."""
    numbers = {
        rule.measure.removesuffix(_COUNT): int(rule.threshold)
        for rule in policy.rules
        if rule.kind == _KIND and rule.measure.endswith(f".{_COUNT}") and rule.operator is Operator.AT_LEAST
    }
    found = []
    for rule in policy.rules:
        n = numbers.get(rule.measure.removesuffix(_COUNTED), 0)
        share = _share(rule)
        if share is not None and n >= 1:
            found.append(PolicyGate(rule.id, gate_at_share(share, n), share))
    return tuple(found)


def words_for_gates(policy: Policy) -> str:
    """Say in Markdown whom the gates of a policy let pass; "" for one without."""
    gates = gates_of(policy)
    if not gates:
        return ""
    lines = [_words(one) for one in gates]
    if len(gates) > 1:
        chance = chance_of_all([(one.gate, one.share) for one in gates])
        lines.append(f"- All {len(gates)} at once, each at its threshold: {chance:.0%}.")
    head = "Chance to pass by the true rate of a model, at the fewest items taken, if items were independent trials:"
    return f"{head}\n\n" + "\n".join(lines)


def _share(rule: Rule) -> float | None:
    """Return the share of wanted answers that a rule of counts asks for; None where it is none."""
    sided = rule.operator in {Operator.AT_LEAST, Operator.AT_MOST}
    if rule.kind != _KIND or not rule.measure.endswith(f".{_COUNTED}") or not sided:
        return None
    threshold = float(rule.threshold)
    if not 0 <= threshold <= 1:
        return None
    return threshold if rule.operator is Operator.AT_LEAST else 1 - threshold


def _words(one: PolicyGate) -> str:
    """Say one gate in a line."""
    gate, share = one.gate, one.share
    rates = sorted({max(0.0, share - _BESIDE), share, min(1.0, share + _BESIDE)})
    chances = ", ".join(f"{chance:.0%} at {rate:.1%}" for rate, chance in gate.characteristic(rates))
    shown = least_count_shown(share, gate.n)
    proof = f"{shown} would show {share:.0%}" if shown is not None else f"no count of {gate.n} shows {share:.0%}"
    return f"- `{one.rule}`: {gate.least} of {gate.n} must be as wanted; passes {chances}; {proof} (95% interval)."
