"""The decision: a pure function of policy, evidence, subject and day; no clock, disk or network."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from weighbridge.decision.advice import command_for, would_change
from weighbridge.decision.licence import answered
from weighbridge.decision.rule import Judgement, Reason, Rule, judge
from weighbridge.decision.ruling import EFFECTS, Effect, Ruling
from weighbridge.decision.waiver import Waiver, waiver_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.policy import Policy

__all__ = ["VERDICTS", "Decision", "Reason", "Ruling", "Verdict", "decide"]

Verdict = Literal["adopt", "adopt-with-conditions", "hold", "reject"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # in the order of EFFECTS
_WORST_FIRST = ("fail", "unknown", "pass")


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict about one subject by one policy on one day, with every ruling behind it.

    `expires_on` is the last day on which it holds. `evidence` are all ids that the rulings cite.
    """

    verdict: Verdict
    subject: str
    policy_name: str
    policy_version: str
    policy_digest: str
    use: dict[str, Any]
    on: date
    expires_on: date
    rulings: tuple[Ruling, ...]
    conditions: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def met(self) -> int:
        """Number of rules that are met."""
        return sum(ruling.outcome == "pass" for ruling in self.rulings)

    @property
    def failed(self) -> int:
        """Number of rules that are not met and not waived; met + failed + unknown + waived are all rules."""
        return sum(ruling.outcome == "fail" and ruling.waived is None for ruling in self.rulings)

    @property
    def unknown(self) -> int:
        """Number of rules that nothing usable is known about and that are not waived."""
        return sum(ruling.outcome == "unknown" and ruling.waived is None for ruling in self.rulings)

    @property
    def waived(self) -> int:
        """Number of rules that are not met or not known, and waived."""
        return sum(ruling.waived is not None for ruling in self.rulings)

    @property
    def decisive(self) -> tuple[Ruling, ...]:
        """The rulings that make the verdict what it is; their `would_change` is what would change it.

        For `adopt` these are all rulings: any of them could end it.
        """
        effect = EFFECTS[VERDICTS.index(self.verdict)]
        return tuple(ruling for ruling in self.rulings if ruling.effect == effect)

    def to_json(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        return {
            "verdict": self.verdict,
            "subject": self.subject,
            "policy_name": self.policy_name,
            "policy_version": self.policy_version,
            "policy_digest": self.policy_digest,
            "use": copy.deepcopy(self.use),
            "on": self.on.isoformat(),
            "expires_on": self.expires_on.isoformat(),
            "rulings": [ruling.to_json() for ruling in self.rulings],
            "conditions": list(self.conditions),
            "evidence": list(self.evidence),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Decision:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError where it did not."""
        if value["verdict"] not in VERDICTS:
            raise ValueError(f"no verdict: {value['verdict']!r}")
        return cls(
            **{
                **value,
                "verdict": cast(Verdict, value["verdict"]),
                "on": date.fromisoformat(value["on"]),
                "expires_on": date.fromisoformat(value["expires_on"]),
                "rulings": tuple(Ruling.from_json(ruling) for ruling in value["rulings"]),
                "conditions": tuple(value["conditions"]),
                "evidence": tuple(value["evidence"]),
            }
        )


def decide(policy: Policy, evidence: Iterable[Evidence], *, subject: str, on: date) -> Decision:
    """Decide by `policy` whether the artefact with digest `subject` may be used, as known on the day `on`.

    Statements about other subjects, and statements made after `on`, are not counted. Where several speak
    of one rule the worst counts (fail, then unknown, then pass), so a good one never rescues a bad one.
    """
    statements = _usable(evidence, subject, on)
    bodies = {digest: answered(one.kind, one.body, policy.use) for digest, one in statements.items()}
    rulings = tuple(_rule_on(rule, statements, bodies, policy.waivers, on) for rule in policy.rules)
    worst = max((EFFECTS.index(ruling.effect) for ruling in rulings), default=EFFECTS.index("hold"))
    lasts = [ruling.waived.until for ruling in rulings if ruling.waived]
    for rule, ruling in zip(policy.rules, rulings, strict=True):
        if ruling.outcome == "pass" and rule.max_age_days is not None and ruling.evidence:
            lasts.append(_after(statements[ruling.evidence[0]].made_on, rule.max_age_days))
    return Decision(
        verdict=VERDICTS[worst],
        subject=subject,
        policy_name=policy.name,
        policy_version=policy.version,
        policy_digest=policy.digest,
        use=policy.use.to_json(),
        on=on,
        expires_on=min([_after(on, policy.valid_days), *lasts]),
        rulings=rulings,
        conditions=tuple(dict.fromkeys(ruling.condition for ruling in rulings if ruling.condition)),
        evidence=tuple(sorted({digest for ruling in rulings for digest in ruling.evidence})),
    )


def _usable(evidence: Iterable[Evidence], subject: str, on: date) -> dict[str, Evidence]:
    """Return the statements that count, by id, in the order of their ids."""
    found: dict[str, Evidence] = {}
    for statement in evidence:
        if statement.subject != subject or statement.made_on > on:
            continue
        try:
            found[statement.id] = statement
        except (ValueError, RecursionError):
            # A body that has no canonical JSON (NaN, endless nesting) has no id: nothing can cite it.
            continue
    return dict(sorted(found.items()))


def _rule_on(
    rule: Rule, statements: dict[str, Evidence], bodies: dict[str, Any], waivers: Iterable[Waiver], on: date
) -> Ruling:
    """Apply one rule to the statements that it considers; `bodies` hold their answers for the policy's use."""
    judgement, cited = _judge_all(rule, statements, bodies, on)
    before: Effect = {"pass": "none", "fail": rule.on_fail, "unknown": rule.on_unknown}[judgement.outcome]
    waived = None if before == "none" else waiver_for(rule.id, waivers, on)
    effect: Effect = "condition" if waived else before
    texts = [rule.condition if before == "condition" else None, waived.condition if waived else None]
    return Ruling(
        rule=rule.id,
        outcome=judgement.outcome,
        effect=effect,
        kind=rule.kind,
        measure=rule.measure,
        where=dict(rule.where),
        operator=rule.operator.value,
        threshold=copy.copy(rule.threshold),
        observed=judgement.observed,
        reason=judgement.reason,
        because=rule.because,
        condition="; ".join(text for text in texts if text) or None,
        waived=waived,
        evidence=cited,
        would_change=would_change(rule, judgement, cited),
        command=command_for(rule, judgement.reason),
    )


def _judge_all(
    rule: Rule, statements: dict[str, Evidence], bodies: dict[str, Any], on: date
) -> tuple[Judgement, tuple[str, ...]]:
    """Return the worst judgement and the ids considered, the one that decided first.

    A statement that is too old counts only where no fresh one speaks: a new measurement replaces an old one.
    """
    considered = {digest: one for digest, one in statements.items() if rule.considers(one)}
    if not considered:
        return Judgement("unknown", Reason.NO_EVIDENCE), ()
    fresh = {
        digest: one
        for digest, one in considered.items()
        if rule.max_age_days is None or (on - one.made_on).days <= rule.max_age_days
    }
    judged = {digest: judge(rule, bodies[digest]) for digest in fresh or considered}
    first = min(judged, key=lambda digest: (_WORST_FIRST.index(judged[digest].outcome), digest))
    cited = (first, *(digest for digest in judged if digest != first))
    if not fresh:
        return Judgement("unknown", Reason.STALE, judged[first].observed), cited
    return judged[first], cited


def _after(on: date, days: int) -> date:
    """Return the day that many days later, or the last day there is."""
    try:
        return on + timedelta(days=days)
    except OverflowError:
        return date.max
