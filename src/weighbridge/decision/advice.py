"""Advice: which evidence would change a ruling, in plain words, and the command that would make it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import short
from weighbridge.decision.measure import Shape
from weighbridge.decision.rule import Operator, Reason

if TYPE_CHECKING:
    from weighbridge.decision.rule import Judgement, Rule

__all__ = ["command_for", "words_for_demand", "words_for_observed", "would_change"]

SUITE = "suite.name"
LICENCE_ANSWER = ("licence/v1", "answer")
_OF_FILES = ("files/v1", "anatomy/v2", "card/v1", "licence/v1")
_OF_BANKS = {
    "behaviour/v2": "ask all items of the bank (no `--limit`); more than it holds "
    "take a bank of your own (`--bank FILE`) and a rule whose `where` names it",
    "hijack/v1": "ask all tasks (no `--limit`); more than these do not ship",
    "jailbreak/v1": "ask all items (no `--limit`); more take a bank of your own (`--bank FILE`)",
}
_UNCOUNTED = "items that were filtered, cut off, empty or nonsense do not count: `counts` and `transport` say how many"
_OF_SUITES = ("score/v1", "behaviour/v1", "latency/v1")
_ENTRIES_SHOWN = 20


def would_change(rule: Rule, judgement: Judgement, cited: tuple[str, ...]) -> str:
    """Say which evidence would change this ruling: make a failing or unknown one pass, or end a passing one.

    `cited` are the ids that the ruling stands on: the worst of them counts, so a better statement must replace them.
    """
    passes = judgement.outcome == "pass"
    text = f"{_what(rule)} with `{rule.measure}` {'not ' if passes else ''}{words_for_demand(rule)}"
    if not passes:
        text += _limits(rule)
    text += f" (now {_now(rule, judgement)})"
    if passes or judgement.reason in {Reason.NO_EVIDENCE, Reason.STALE}:
        return text
    text += ", in place of " + ", ".join(f"`{short(digest)}`" for digest in cited)
    if (rule.kind, rule.measure) == LICENCE_ANSWER:
        text += "; what the use leaves open, or a licence from its grantor, is for a human: waive it with a date"
    elif rule.kind in _OF_FILES:
        text += "; files under a digest do not change, so this takes another revision of the model"
    elif rule.kind == "behaviour/v2" and rule.measure.endswith(".items"):
        text += f"; {_UNCOUNTED}"
    elif judgement.reason in {Reason.NOT_CLEAR, Reason.TOO_FEW}:
        text += f"; {_OF_BANKS.get(rule.kind, 'ask more questions, with a larger suite')}"
    return text


def command_for(rule: Rule, reason: Reason) -> str | None:
    """Return the command that would make the evidence, or None where no command can; REF stands for the model."""
    if rule.kind in _OF_FILES:
        # Reading the same files again says the same again.
        return "weighbridge weigh REF" if reason in {Reason.NO_EVIDENCE, Reason.STALE} else None
    if rule.kind in _OF_SUITES:
        suite = rule.where.get(SUITE)
        named = f" --suite {shlex.quote(suite)}" if isinstance(suite, str) else ""
        again = " --again" if reason is Reason.STALE else ""  # or the stored answers would come back
        return f"weighbridge evaluate REF{named}{again}"
    if rule.kind == "behaviour/v2":
        bank = rule.where.get("bank.name")
        named = f" --bank {shlex.quote(bank)}" if isinstance(bank, str) and bank != "behaviour" else ""
        return f"weighbridge behaviour REF{named}" + (" --again" if reason is Reason.STALE else "")
    if rule.kind == "hijack/v1":
        return "weighbridge behaviour REF --hijack" + (" --again" if reason is Reason.STALE else "")
    if rule.kind == "comparison/v1":
        return "weighbridge weigh REF --baseline BASELINE"
    return None


def words_for_demand(rule: Rule) -> str:
    """Say what a rule demands of its measure: `at least 0.4 across its whole interval`."""
    match rule.operator:
        case Operator.AT_LEAST | Operator.AT_MOST:
            words = f"{rule.operator.value.replace('-', ' ')} {_quoted(rule.threshold)}"
            return words + (" across its whole interval" if rule.shape is Shape.ESTIMATE else "")
        case Operator.EQUALS:
            return f"equal to {_quoted(rule.threshold)}"
        case Operator.IN:
            words = ", ".join(_quoted(one) for one in rule.threshold[:_ENTRIES_SHOWN])
            more = len(rule.threshold) - _ENTRIES_SHOWN
            return f"among {words}" + (f" and {more} more" if more > 0 else "")
        case Operator.PRESENT:
            return "present"


def words_for_observed(observed: Any) -> str:
    """Say an observed JSON value in a few words; an estimate with its interval and count."""
    if isinstance(observed, dict):
        low, value, high = (f"{observed[name]:.3g}" for name in ("low", "value", "high"))
        return f"{value} [{low}, {high}], n={observed['n']}"
    if isinstance(observed, list):
        return ", ".join(_quoted(entry) for entry in observed) or "an empty list"
    return "not said" if observed is None else _quoted(observed)


def _what(rule: Rule) -> str:
    """Name the evidence a rule asks for."""
    suite = f" of suite {_quoted(rule.where[SUITE])}" if SUITE in rule.where else ""
    rest = [f"`{path}` is {_quoted(value)}" for path, value in rule.where.items() if path != SUITE]
    return f"`{rule.kind}`{suite}" + (f" where {' and '.join(rest)}" if rest else "")


def _limits(rule: Rule) -> str:
    """Say what else the evidence must keep to."""
    count = f", from at least {rule.min_n} observations" if rule.min_n is not None else ""
    age = f", made at most {rule.max_age_days} days before the decision" if rule.max_age_days is not None else ""
    return count + age


def _now(rule: Rule, judgement: Judgement) -> str:
    """Say what stands there today: files say something or not, a measurement is known or not."""
    if judgement.reason is Reason.NO_EVIDENCE:
        return "not looked at"
    if judgement.reason is Reason.NOT_SAID and rule.kind in _OF_BANKS:
        return "not known"
    words = words_for_observed(judgement.observed)
    match judgement.reason:
        case Reason.STALE:
            return f"{words}, too old"
        case Reason.TOO_FEW:
            return f"{words}, too few"
        case Reason.NOT_CLEAR:
            return f"{words}, not clear"
    return words


def _quoted(value: Any) -> str:
    """Write a JSON value as it stands in a policy: numbers bare, everything else in backticks."""
    if isinstance(value, str):
        return f"`{value}`"
    text = json.dumps(value)
    return f"`{text}`" if isinstance(value, bool) else text
