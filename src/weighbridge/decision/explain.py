"""Explanations: what a rule, check, kind, measure, suite, policy or verdict is. Offline, in Markdown."""

from __future__ import annotations

import inspect
import sys
import tomllib
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge import plugin
from weighbridge.core.kinds import KINDS
from weighbridge.decision.advice import command_for, words_for_demand
from weighbridge.decision.gates import words_for_gates
from weighbridge.decision.measure import Shape, find_measure, measures_of
from weighbridge.decision.rule import Reason
from weighbridge.decision.shipped import load_policy, shipped_policies
from weighbridge.errors import NotFound, WeighbridgeError, did_you_mean
from weighbridge.evaluation.suite import find_suite, shipped_suites
from weighbridge.inspection.licence.answer.use import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.decision.policy import Policy
    from weighbridge.decision.rule import Rule

__all__ = ["explain", "explainable"]

_VERDICT_MEANINGS: dict[str, str] = {
    "adopt": "Every rule of the policy is met, by evidence. The model may be used as the policy's intended use "
    "says, until the decision expires.",
    "adopt-with-conditions": "No rule stops it, and some ask for something to be done first: the conditions. "
    "A waived rule is always a condition. Meeting them is the team's work; Weighbridge does not check it.",
    "hold": "Not yet: a rule that must be met is not met or not known. Bring the evidence that the decision names, "
    "then decide again.",
    "reject": "No: a rule that the policy does not bend on is not met. Another revision or model is needed, or a "
    "dated waiver that a person signs.",
}
_SHAPES: dict[Shape, str] = {
    Shape.NUMBER: "a number",
    Shape.TEXT: "a text",
    Shape.FLAG: "true or false",
    Shape.ESTIMATE: "an estimate: a rule compares its whole interval",
    Shape.LIST: "a list of texts",
    Shape.RECORDS: "a list",
    Shape.TABLE: "a table",
    Shape.OPEN: "whatever stands there",
}


@dataclass(frozen=True, slots=True)
class _Topic:
    """Something that can be explained: its name, what it is, how its summary and text are made, its short name if any.

    Both are made when they are asked for: a suite is read for its text.
    """

    name: str
    what: str
    summary: Callable[[], str]
    write: Callable[[], str]
    short: str | None = None

    @property
    def line(self) -> str:
        """What it is and its summary, on one line."""
        return f"{self.what}: {self.summary()}"


def explain(word: str) -> str:
    """Explain a word in Markdown; where it names several things, all of them. Raises NotFound.

    Understood: a rule (`licence-tag`, `starter:licence-tag`), check, kind (`score/v1`), measure
    (`score/v1:accuracy`), shipped suite, shipped policy, or verdict.
    """
    word = word.strip()
    kind, _, path = word.partition(":")
    if kind in KINDS and find_measure(kind, path):
        return _measure_text(kind, path)
    topics = list(_topics())
    texts = [topic.write() for topic in topics if word in {topic.name, topic.short}]
    if texts:
        return "\n".join(texts)
    names = {name for topic in topics for name in (topic.name, topic.short) if name}
    measures = {f"{kind}:{path}" for kind in KINDS for path in measures_of(kind)}
    raise NotFound(
        f"nothing is named `{word}` here",
        hint=did_you_mean(word, names | measures) or "`weighbridge explain` lists what can be explained",
    )


def explainable() -> dict[str, str]:
    """Return what can be explained, with one line each; measures are listed under their kind."""
    lines: dict[str, str] = {}
    for topic in _topics():
        lines.setdefault(topic.name, topic.line)
    return lines


def _topics() -> Iterator[_Topic]:
    """Yield every topic."""
    for verdict, meaning in _VERDICT_MEANINGS.items():
        yield _said(verdict, "verdict", meaning)
    for kind in KINDS:
        yield _Topic(kind, "kind", partial(_summary_of_kind, kind), partial(_kind_text, kind))
    for name in shipped_policies():
        policy = load_policy(name)
        yield _Topic(name, "policy", partial(str, policy.title), partial(_policy_text, policy))
        for rule in policy.rules:
            write = partial(_rule_text, rule, policy)
            yield _Topic(f"{name}:{rule.id}", "rule", partial(_demand, rule), write, short=rule.id)
    for word, meaning in _words().items():
        yield _said(word, "word", meaning)
    for name in plugin.names("checks"):
        yield _read(name, "check", partial(_text_of_check, name))
    for name in shipped_suites():
        yield _read(name, "suite", partial(_text_of_suite, name))


def _said(name: str, what: str, meaning: str) -> _Topic:
    """Return a topic whose meaning is at hand; its first sentence sums it up."""
    return _Topic(name, what, partial(str, meaning.split(". ", maxsplit=1)[0]), partial(_entry, name, what, meaning))


def _read(name: str, what: str, text: Callable[[], str]) -> _Topic:
    """Return a topic whose text must be read first; its first line sums it up."""
    return _Topic(name, what, lambda: _first_line(text()), lambda: _entry(name, what, text()))


def _summary_of_kind(kind: str) -> str:
    return _first_line(_docstring_of_kind(kind))


@cache
def _words() -> dict[str, str]:
    """Return what the words mean that reports and verdicts print."""
    found: dict[str, str] = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
    fields = "; ".join(f"`{name}`: {meaning}" for name, meaning in FIELDS.items())
    return found | {"fields-of-use": f"What `fields` in `[use]` can hold; licences exclude some of them. {fields}."}


def _entry(name: str, what: str, text: str) -> str:
    """Write a heading and a text."""
    return f"# {name} ({what})\n\n{text}\n"


def _policy_text(policy: Policy) -> str:
    """Describe a policy: its use and its rules."""
    use = policy.use
    rules = "\n".join(f"- `{rule.id}`: {_demand(rule)}; otherwise {rule.on_fail}" for rule in policy.rules)
    gates = words_for_gates(policy)
    return _entry(
        policy.name,
        "policy",
        f"{policy.title}\n\n{policy.description}\n\n"
        f"Intended use: {use.description} (audience: {use.audience}, hosted by: {use.hosted_by}).\n"
        f"A decision holds for {policy.valid_days} days.\n\n{rules}" + (f"\n\n{gates}" if gates else ""),
    )


def _rule_text(rule: Rule, policy: Policy) -> str:
    """Describe a rule: what it demands, why, and what follows."""
    follows = [
        f"If it is not met: {rule.on_fail}. If it is not known: {rule.on_unknown}.",
        f"Condition: {rule.condition}." if rule.condition else "",
        f"Fewer than {rule.min_n} observations count as not known." if rule.min_n is not None else "",
        f"Evidence older than {rule.max_age_days} days counts as not known." if rule.max_age_days is not None else "",
    ]
    command = command_for(rule, Reason.NO_EVIDENCE)
    return _entry(
        f"{policy.name}:{rule.id}",
        "rule",
        f"{_demand(rule)}\n\n{rule.because}\n\n"
        + "\n".join(line for line in follows if line)
        + (f"\n\nEvidence for it: `{command}`" if command else ""),
    )


def _demand(rule: Rule) -> str:
    """Say what a rule demands, in one line."""
    where = ", ".join(f"{path} = {value}" for path, value in rule.where.items())
    return f"`{rule.kind}:{rule.measure}`{f' ({where})' if where else ''} {words_for_demand(rule)}"


def _kind_text(kind: str) -> str:
    """Describe a kind and everything that a rule can ask of it."""
    lines = [
        f"- `{path}`: {_SHAPES[measure.shape]}. {measure.description}".rstrip(". ")
        for path, measure in measures_of(kind).items()
    ]
    return _entry(kind, "kind of evidence", _docstring_of_kind(kind) + "\n\n" + "\n".join(lines))


def _measure_text(kind: str, path: str) -> str:
    """Describe one measure and the rules of shipped policies that ask for it."""
    measure = find_measure(kind, path)
    if measure is None:
        raise NotFound(f"`{kind}` has no measure `{path}`")
    lines = [f"It is {_SHAPES[measure.shape]}.", measure.description]
    if measure.choices:
        lines.append("One of " + ", ".join(f"`{choice}`" for choice in measure.choices))
    asking = [
        f"- `{name}:{rule.id}` {words_for_demand(rule)}"
        for name in shipped_policies()
        for rule in load_policy(name).rules
        if (rule.kind, rule.measure) == (kind, path)
    ]
    if asking:
        lines.append("Rules that ask for it:\n\n" + "\n".join(asking))
    return _entry(f"{kind}:{path}", "measure", "\n\n".join(line for line in lines if line))


def _docstring_of_kind(kind: str) -> str:
    """Return what the kind's model says of itself."""
    return inspect.cleandoc(KINDS[kind].__doc__ or "")


def _text_of_check(name: str) -> str:
    """Return the docstring of a check's module; a check that cannot be loaded says so."""
    try:
        check = plugin.load("checks", name)
    except WeighbridgeError as error:
        return f"Cannot be loaded: {error.message}"
    module = sys.modules[check.__module__]
    return inspect.getdoc(module) or inspect.getdoc(check) or "Its author wrote no description."


def _text_of_suite(name: str) -> str:
    """Return a suite's title and particulars; a suite that cannot be loaded says so."""
    try:
        suite = find_suite(name)
    except WeighbridgeError as error:
        return f"Cannot be loaded: {error.message}"
    guess = f"Guessing gives {suite.chance:g}.\n" if suite.chance else ""
    return (
        f"{suite.title}\n\nGives `{suite.measures}` from {len(suite.items)} questions in `{suite.language}`.\n{guess}"
        f"Version {suite.version}, licence {suite.licence}, source: {suite.source}\n\n"
        f"Ask it: `weighbridge evaluate REF --suite {suite.name}`"
    )


def _first_line(text: str) -> str:
    """Return the first line of a text."""
    return text.partition("\n")[0]
