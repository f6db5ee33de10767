"""The form of a policy file: its tables and keys, and how a mistake in it is said."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from weighbridge.decision.rule import Consequence  # noqa: TC001 - pydantic reads it at run time
from weighbridge.errors import PolicyError, did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["PolicyForm", "RuleForm", "UseForm", "WaiverForm", "refusal", "rule_place"]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Days = Annotated[int, Field(ge=1, le=3650)]
Whole = Annotated[int, Field(ge=0, le=2**53)]

_SHOWN_CHARACTERS = 60
_HINTS = {
    "because": "say in a sentence why the team demands this; it is printed with every ruling",
    "condition": "say what the team must do to adopt all the same",
}


class _Table(BaseModel):
    """A table refuses keys it does not know, and takes no value for another (1 is not true)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HeadForm(_Table):
    """What the policy is, and how long its decisions hold."""

    name: Name
    version: Line
    title: Line
    description: Sentence | None = None
    valid_days: Days


class UseForm(_Table):
    """The intended use that the policy is written for."""

    description: Sentence
    audience: Literal["internal", "customers", "public"]
    countries: list[Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]] = []
    languages: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]] = []
    fine_tune: bool = False
    hosted_by: Literal["self", "vendor"] = "self"
    company_revenue_eur: Whole | None = None
    monthly_active_users: Whole | None = None
    offer: Literal["internal", "product", "hosted-api", "resale", "assistant"] | None = None
    commercial: bool | None = None
    seat: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None
    fields: list[Line] | None = None
    distil: bool | None = None
    trains_other_models_on_outputs: bool | None = None
    distributes: bool | None = None
    group_revenue_eur: Whole | None = None
    group_revenue_usd: Whole | None = None
    annual_revenue_usd: Whole | None = None
    monthly_revenue_usd: Whole | None = None
    group_monthly_active_users: Whole | None = None
    daily_active_users: Whole | None = None


class RuleForm(_Table):
    """One `[[rule]]`; what only the kinds of evidence can tell is checked in `policy`."""

    id: Name
    kind: Line
    where: dict[str, Any] = {}
    measure: Line
    operator: Literal["at-least", "at-most", "equals", "in", "present"]
    value: Any = None
    min_n: Annotated[int, Field(ge=1, le=2**53)] | None = None
    max_age_days: Days | None = None
    on_fail: Consequence
    on_unknown: Consequence = "hold"
    condition: Sentence | None = None
    because: Sentence


class WaiverForm(_Table):
    """One `[[waiver]]`; `until` is a TOML date, its last day."""

    rule: Name
    until: date
    by: Line
    because: Sentence
    ticket: Line | None = None


class PolicyForm(_Table):
    """The whole file."""

    policy: HeadForm
    use: UseForm
    rule: Annotated[list[RuleForm], Field(min_length=1)]
    waiver: list[WaiverForm] = []


_FORMS: dict[str, type[BaseModel]] = {"policy": HeadForm, "use": UseForm, "rule": RuleForm, "waiver": WaiverForm}


def rule_place(place: str, number: int, rule: str) -> str:
    """Name a rule's place in a file, counting from 1."""
    return f"`{place}` rule {number} (`{rule}`)"


def refusal(error: ValidationError, tables: dict[str, Any], place: str) -> PolicyError:
    """Turn the first mistake that pydantic found into one sentence with its place; unknown keys come first."""
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    first: Any = mistakes[0]
    where, keys = _place(first["loc"], tables, place)
    if not keys:
        table = first["loc"][0]
        header = f"[[{table}]]" if table in {"rule", "waiver"} else f"[{table}]"
        fault = "missing or empty" if first["type"] in {"missing", "too_short"} else "not written as such a table"
        return PolicyError(f"{where}: `{header}` is {fault}", hint=f"begin it with a line `{header}`")
    key = ".".join(str(part) for part in keys)
    match first["type"]:
        case "extra_forbidden":
            form = _FORMS[first["loc"][0]] if len(first["loc"]) > 1 else PolicyForm
            return PolicyError(
                f"{where}: key `{key}` is not known",
                hint=did_you_mean(key, form.model_fields) or "known: " + _listed(form.model_fields),
            )
        case "missing":
            return PolicyError(f"{where}: key `{key}` is missing", hint=_HINTS.get(key))
        case "literal_error":
            choices = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            return PolicyError(
                f"{where}: `{key}` cannot be `{_short(first['input'])}`",
                hint=did_you_mean(str(first["input"]), choices) or "it is one of " + _listed(choices),
            )
    message = first["msg"].replace("'", "`")
    return PolicyError(f"{where}: key `{key}`: {message[:1].lower()}{message[1:]}")


def _place(loc: tuple[Any, ...], tables: dict[str, Any], place: str) -> tuple[str, tuple[Any, ...]]:
    """Split pydantic's location into words for the table and the keys below it."""
    head, *rest = loc
    if head not in _FORMS:
        return f"`{place}`", loc
    if head in {"rule", "waiver"} and rest:
        number, *rest = rest
        entry = tables[head][number]
        name = entry.get("id" if head == "rule" else "rule") if isinstance(entry, dict) else None
        named = f" (`{_short(name)}`)" if isinstance(name, str) else ""
        return f"`{place}` {head} {number + 1}{named}", tuple(rest)
    return f"`{place}`" + (f" [{head}]" if rest else ""), tuple(rest)


def _listed(words: Any) -> str:
    """Write words one after the other, each in backticks."""
    return ", ".join(f"`{word}`" for word in words)


def _short(value: Any) -> str:
    """Cut a value to what an error can hold."""
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
