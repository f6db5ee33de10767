"""Policies: what a team demands of a model for an intended use, read from TOML. Pure: it takes text, not files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.digest import digest_of
from weighbridge.core.kinds import KINDS
from weighbridge.decision.form import PolicyForm, RuleForm, refusal, rule_place
from weighbridge.decision.measure import Measure, Shape, find_measure, fits, measures_of
from weighbridge.decision.rule import Operator, Rule
from weighbridge.decision.use import Use, use_of
from weighbridge.decision.waiver import Waiver
from weighbridge.errors import PolicyError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_BYTES", "Policy", "Use", "parse_policy"]

MAX_BYTES = 1 << 20
_MAX_WHOLE = 2**53  # beyond it JSON numbers are not exact

_TAKES: dict[Operator, frozenset[Shape]] = {
    Operator.AT_LEAST: frozenset({Shape.NUMBER, Shape.ESTIMATE, Shape.OPEN}),
    Operator.AT_MOST: frozenset({Shape.NUMBER, Shape.ESTIMATE, Shape.OPEN}),
    Operator.EQUALS: frozenset({Shape.NUMBER, Shape.TEXT, Shape.FLAG, Shape.OPEN}),
    Operator.IN: frozenset({Shape.NUMBER, Shape.TEXT, Shape.LIST, Shape.OPEN}),
    Operator.PRESENT: frozenset(Shape),
}
_INSIDE_ESTIMATES = frozenset({"value", "low", "high"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a team demands: rules in the order of the file, waivers, and the use they are meant for.

    `valid_days` is how long a decision holds; `digest` covers the content, waivers too, but no comments.
    """

    name: str
    version: str
    title: str
    description: str
    valid_days: int
    use: Use
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]
    digest: str

    @property
    def suites(self) -> tuple[str, ...]:
        """Names of the suites that rules ask for, in the order of the rules."""
        names = (rule.where.get("suite.name") for rule in self.rules)
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of evidence that rules ask for, in the order of the rules."""
        return tuple(dict.fromkeys(rule.kind for rule in self.rules))


def parse_policy(text: str, place: str) -> Policy:
    """Read a policy; `place` names it in errors. Raises PolicyError with the first thing that is wrong."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise PolicyError(f"`{place}` is larger than {MAX_BYTES >> 20} MiB")
    tables = _tables(text, place)
    try:
        form = PolicyForm.model_validate(tables)
    except ValidationError as error:
        raise refusal(error, tables, place) from error
    rules = tuple(_rule(rule, rule_place(place, number, rule.id)) for number, rule in enumerate(form.rule, 1))
    _check_ids(rules, place)
    waivers = tuple(Waiver(one.rule, one.until, one.by, one.because, one.ticket) for one in form.waiver)
    _check_waivers(waivers, rules, place)
    head = form.policy
    return Policy(
        name=head.name,
        version=head.version,
        title=head.title,
        description=head.description or "",
        valid_days=head.valid_days,
        use=use_of(form.use, place),
        rules=rules,
        waivers=waivers,
        digest=digest_of(form.model_dump(mode="json")),
    )


def _tables(text: str, place: str) -> dict[str, Any]:
    """Read TOML; the error says the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        raise PolicyError(f"`{place}` is not TOML: {message[:1].lower()}{message[1:]}") from error
    except (ValueError, RecursionError) as error:
        # tomllib lets through what Python says of a number with thousands of digits or of endless nesting.
        raise PolicyError(
            f"`{place}` is not TOML that can be read: a number or a nesting in it is too large"
        ) from error


def _rule(form: RuleForm, place: str) -> Rule:
    """Check what only the kinds of evidence can tell, and return the rule."""
    if form.kind not in KINDS:
        raise PolicyError(
            f"{place}: `{form.kind}` is no kind of evidence",
            hint=did_you_mean(form.kind, KINDS) or "known: " + _listed(KINDS),
        )
    operator = Operator(form.operator)
    measure = _measure(form.kind, form.measure, place)
    _check_operator(operator, measure, form.measure, place)
    _check_value(operator, measure, form.value, place)
    for path, value in form.where.items():
        _check_where(form.kind, path, value, place)
    _check_consequences(form, measure, place)
    return Rule(
        id=form.id,
        kind=form.kind,
        measure=form.measure,
        shape=measure.shape,
        operator=operator,
        threshold=form.value,
        because=form.because,
        on_fail=form.on_fail,
        on_unknown=form.on_unknown,
        where=dict(form.where),
        condition=form.condition,
        min_n=form.min_n,
        max_age_days=form.max_age_days,
    )


def _measure(kind: str, path: str, place: str) -> Measure:
    """Find a measure; the ends of an estimate cannot be asked alone, so that no rule drops its interval."""
    if measure := find_measure(kind, path):
        return measure
    parent, _, last = path.rpartition(".")
    above = find_measure(kind, parent) if parent else None
    if above and above.shape is Shape.ESTIMATE and last in _INSIDE_ESTIMATES:
        raise PolicyError(
            f"{place}: `{path}` is a part of an estimate", hint=f"ask for `{parent}`: its whole interval is compared"
        )
    known = measures_of(kind)
    raise PolicyError(
        f"{place} asks for `{kind}:{path}`, which no evidence gives",
        hint=did_you_mean(path, known) or f"`weighbridge explain {kind}` lists what can be asked",
    )


def _check_operator(operator: Operator, measure: Measure, path: str, place: str) -> None:
    """Refuse an operator that cannot compare the measure."""
    if measure.shape in _TAKES[operator]:
        return
    able = [known.value for known in Operator if measure.shape in _TAKES[known]]
    words = {Shape.ESTIMATE: "an estimate", Shape.FLAG: "true or false", Shape.OPEN: "open"}
    shape = words.get(measure.shape, f"a {measure.shape.value}" if measure.shape is not Shape.RECORDS else "a list")
    raise PolicyError(
        f"{place}: `{operator.value}` cannot judge `{path}`, which is {shape}", hint="use " + _listed(able, " or ")
    )


def _check_value(operator: Operator, measure: Measure, value: Any, place: str) -> None:
    """Refuse a value that the operator cannot compare with the measure."""
    if operator is Operator.PRESENT:
        if value is not None:
            raise PolicyError(f"{place}: `present` takes no `value`", hint="leave `value` out, or use `equals`")
        return
    if value is None:
        raise PolicyError(f"{place}: key `value` is missing", hint=f"`{operator.value}` compares with it")
    if operator is Operator.IN:
        if not isinstance(value, list) or not value:
            raise PolicyError(f"{place}: `in` needs a list of values", hint='write `value = ["apache-2.0", "mit"]`')
        for one in value:
            _check_scalar(one, measure, place)
    elif operator is Operator.EQUALS:
        _check_scalar(value, measure, place)
    elif not _is_number(value):
        raise PolicyError(f"{place}: `{operator.value}` needs a finite number as `value`")
    elif measure.shape is Shape.ESTIMATE and measure.description.startswith("Share") and abs(value) > 1:
        raise PolicyError(
            f"{place}: `{measure.path}` is a share, and is never {value}",
            hint="write 0.5 for 50%, and -0.03 for 3 points less",
        )


def _check_scalar(value: Any, measure: Measure, place: str, key: str = "value") -> None:
    """Refuse a single value that the measure can never be."""
    shape = Shape.TEXT if measure.shape is Shape.LIST else measure.shape
    if shape is Shape.OPEN:
        good = isinstance(value, str | bool) or _is_number(value)
    else:
        good = _is_number(value) if shape is Shape.NUMBER else fits(value, shape)
    if not good:
        wanted = {Shape.NUMBER: "a finite number", Shape.TEXT: "a text in quotes", Shape.FLAG: "`true` or `false`"}
        raise PolicyError(
            f"{place}: `{key}` for `{measure.path}` must be {wanted.get(shape, 'a text, number, `true` or `false`')}"
        )
    if measure.choices and value not in measure.choices:
        raise PolicyError(
            f"{place}: `{measure.path}` is never `{value}`",
            hint=did_you_mean(value, measure.choices) or "it is one of " + _listed(measure.choices),
        )


def _check_where(kind: str, path: str, value: Any, place: str) -> None:
    """Refuse a filter on what is not there, or is no single value."""
    if isinstance(value, dict):
        # TOML reads `suite.name = "x"` as a table in a table.
        raise PolicyError(
            f"{place}: `where` needs its path in quotes",
            hint=f'write `where = {{ "{path}.{next(iter(value), "name")}" = ... }}`',
        )
    measure = _measure(kind, path, place)
    if measure.shape not in _TAKES[Operator.EQUALS]:
        raise PolicyError(f"{place}: `where` cannot filter by `{path}`", hint="filter by a text, number or flag")
    _check_scalar(value, measure, place, key="where")


def _check_consequences(form: RuleForm, measure: Measure, place: str) -> None:
    """Refuse consequences that would let ignorance in where failure is kept out, and keys without effect."""
    if form.on_unknown == "condition" and form.on_fail != "condition":
        raise PolicyError(
            f"{place}: `on_unknown` is milder than `on_fail`, so not looking would admit what failing keeps out",
            hint="use `hold` or `reject` for `on_unknown`",
        )
    conditional = "condition" in {form.on_fail, form.on_unknown}
    if conditional and form.condition is None:
        raise PolicyError(f"{place}: key `condition` is missing", hint="say what must be done to adopt all the same")
    if not conditional and form.condition is not None:
        raise PolicyError(
            f"{place}: `condition` can never apply", hint="set `on_fail` to `condition`, or leave the text out"
        )
    if form.min_n is not None and measure.shape is not Shape.ESTIMATE:
        raise PolicyError(f"{place}: `min_n` is for estimates, and `{form.measure}` is none")


def _check_ids(rules: tuple[Rule, ...], place: str) -> None:
    """Refuse two rules of one id."""
    seen: set[str] = set()
    for number, rule in enumerate(rules, 1):
        if rule.id in seen:
            raise PolicyError(f"{rule_place(place, number, rule.id)}: the id stands twice")
        seen.add(rule.id)


def _check_waivers(waivers: tuple[Waiver, ...], rules: tuple[Rule, ...], place: str) -> None:
    """Refuse a waiver of a rule that is not there."""
    ids = [rule.id for rule in rules]
    for number, waiver in enumerate(waivers, 1):
        if waiver.rule not in ids:
            raise PolicyError(
                f"`{place}` waiver {number}: there is no rule `{waiver.rule}`",
                hint=did_you_mean(waiver.rule, ids) or "rules: " + _listed(ids),
            )


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number that JSON can carry exactly."""
    return fits(value, Shape.NUMBER) and abs(value) <= _MAX_WHOLE


def _listed(words: Iterable[str], between: str = ", ") -> str:
    """Write words one after the other, each in backticks."""
    return between.join(f"`{word}`" for word in words)
