"""What may not be in there: `maker:deepseek-ai`, `country:CN`, `family:Qwen`, `licence:non-commercial`, `model:hf:x/y`.

For each model a denial is met, excluded, or neither: a chain that could hide it does not exclude it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, get_args

from weighbridge.core.finding import Confidence
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote
from weighbridge.inspection.lineage.names import read_name
from weighbridge.inventory.origin.licence_words import NON_COMMERCIAL, licences_meant
from weighbridge.inventory.origin.names import is_repository
from weighbridge.inventory.origin.tables import canonical_maker, maker_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.inventory.origin.step import Step
    from weighbridge.inventory.row import Model
    from weighbridge.knowledge.protocol import Known

__all__ = ["Denial", "Judged", "judge_model", "parse_denial"]

Kind = Literal["maker", "country", "family", "licence", "model"]
_FORMS = "use `maker:NAMESPACE`, `country:CC`, `family:NAME`, `licence:non-commercial`, `licence:ID` or `model:hf:x/y`"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Denial:
    """One thing that may not be there; `note` says what is odd about how it was asked.

    `among` are the licences that the word for one stands for.
    """

    kind: Kind
    value: str
    text: str
    note: str = ""
    among: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """What a denial comes to for one model: `denied` and `possible` say why, `excluded` has no need to."""

    outcome: Literal["denied", "possible", "excluded"]
    why: str = ""
    confidence: Confidence = Confidence.MEDIUM


def parse_denial(text: str, known: Known) -> Denial:
    """Read what a person typed; raises UsageError with the forms that are understood."""
    kind, _, value = text.strip().partition(":")
    kind = {"license": "licence"}.get(kind.lower(), kind.lower())
    value = value.strip()
    if kind not in get_args(Kind) or not value or len(value) > _LONGEST:
        raise UsageError(f"`--deny {quote(text)[1:-1]}` is not understood", hint=_FORMS)
    if kind == "maker":
        return _maker(value, text, known)
    if kind == "country":
        if not _COUNTRY.fullmatch(value.upper()):
            raise UsageError(f"{quote(value)} is no country code", hint="two letters of ISO 3166-1, for example `CN`")
        seats = {one.country for one in known.organisations.values()}
        note = "" if value.upper() in seats else f"no maker that is listed sits in {value.upper()}"
        return Denial("country", value.upper(), text, note)
    if kind == "model":
        name = value.removeprefix("hf:").removeprefix("ms:")
        if not is_repository(name.partition("@")[0]):
            raise UsageError(f"{quote(value)} is no model on a hub", hint="write `model:hf:maker/model`")
        return Denial("model", name, text)
    if kind == "licence":
        return _licence(value, text)
    families = {family.name.lower() for family in known.families} | set(read_name(value).families)
    word = value.lower()
    is_known = any(word.startswith(family) for family in families)
    if not is_known and (near := _slip(word, families)):
        raise UsageError(f"no family is named {quote(value)}", hint=f"did you mean `{near}`?")
    note = "" if is_known else f"no family named {quote(value)} is listed: it is looked for in names alone"
    return Denial("family", word, text, note)


def _slip(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a word is a slip of the pen for; others may be real and not listed."""
    spelt = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), spelt, n=1, cutoff=0.85)
    return spelt[near[0]] if near else None


def _licence(value: str, text: str) -> Denial:
    """Return a licence with the ids that its word stands for."""
    word, among = value.lower(), licences_meant(value)
    if word in NON_COMMERCIAL:
        return Denial("licence", "non-commercial", text, among=among)
    others = ", ".join(f"`{one}`" for one in sorted(among - {word}))
    return Denial("licence", word, text, f"{quote(value)} is taken for {others}" if others else "", among)


def _maker(value: str, text: str, known: Known) -> Denial:
    """Return a maker by namespace, by a brand, or by the name that it is shown with."""
    exact = next((name for name in known.organisations if name.lower() == value.lower()), None)
    named = maker_named(value) or (canonical_maker(exact) if exact else None)
    if named is None:
        shown = [
            canonical_maker(one.name) for one in known.organisations.values()
            if value.lower() in re.split(r"[\s()/,]+", one.display_name.lower())
        ]  # fmt: skip
        named = shown[0] if len(set(shown)) == 1 else None
    if named is None:
        near = known.look_alike(value)
        like = near.name if near else _slip(value, known.organisations)
        if like:
            raise UsageError(f"no maker is listed as {quote(value)}", hint=f"did you mean `{like}`?")
        note = f"the maker {quote(value)} is not listed: only a model under that very namespace is found"
        return Denial("maker", value, text, note)
    return Denial("maker", named, text, "" if named == value else f"{quote(value)} is taken for `{named}`")


def judge_model(denial: Denial, model: Model) -> Judged:
    """Say what a denial comes to for one model."""
    hit = _HITS[denial.kind](denial, model)
    if hit:
        step_confidence, why, known = hit
        if model.confidence is Confidence.LOW:
            return Judged("possible", f"a weak trace of it: {why}", Confidence.LOW)
        if known in {"architecture", "pin"}:  # anybody may train from nothing with another's architecture
            return Judged("possible", why, Confidence.LOW)
        return Judged("denied", why, step_confidence)
    if reason := _could_hide(denial, model):
        return Judged("possible", reason, Confidence.LOW)
    return Judged("excluded")


_Hit = tuple[Confidence, str, str] | None


def _by_maker(denial: Denial, model: Model) -> _Hit:
    wanted = denial.value.lower()
    for step in model.chain.steps:
        if wanted in {canonical_maker(one).lower() for one in (step.maker, step.publisher) if one}:
            return step.confidence, _said(step, f"{step.name} is of {denial.value}"), step.known
    return None


def _by_country(denial: Denial, model: Model) -> _Hit:
    for step in model.chain.steps:
        for who in (step.maker, step.publisher):
            if who and model.countries.get(who) == denial.value:
                why = f"{step.name} is of {who}, whose seat is in {denial.value}"
                return step.confidence, _said(step, why), step.known
    return None


def _by_family(denial: Denial, model: Model) -> _Hit:
    for step in model.chain.steps:
        names = {step.family.lower(), *read_name(step.name).families}
        if any(_is_of(denial.value, name) for name in names if name) or _word(denial.value, step.name):
            return step.confidence, _said(step, f"{step.name} is of the family {denial.value}"), step.known
    return None


def _by_licence(denial: Denial, model: Model) -> _Hit:
    if denial.value == "non-commercial":
        if model.licence.commercial_use.startswith("no"):
            return Confidence.MEDIUM, f"`{model.licence.licence}` does not allow commercial use", "licence"
        return None
    for name, licence in model.licence.along:
        if licence.lower() in denial.among:
            return Confidence.MEDIUM, f"{name} is under `{licence}`", "licence"
    return None


def _by_model(denial: Denial, model: Model) -> _Hit:
    name, _, revision = denial.value.lower().partition("@")
    for step in model.chain.steps:
        if step.repository.lower() != name:
            continue
        pins = [one.lower() for one in model.revisions] if revision and step.child is None else []
        if not pins or any(pin.startswith(revision) for pin in pins):
            return step.confidence, _said(step, f"{step.name} is in the chain"), step.known
        for pin in pins:  # a branch moves, and a short id may be that very commit
            if revision.startswith(pin) or not _COMMIT.fullmatch(pin):
                return Confidence.LOW, f"{step.name} is pinned to `{pin}`, which may be {revision}", "pin"
    return None


_HITS = {"maker": _by_maker, "country": _by_country, "family": _by_family, "licence": _by_licence, "model": _by_model}


def _said(step: Step, what: str) -> str:
    """Add how a step is known, where it is not the reference itself."""
    return what if step.child is None or not step.how else f"{what} ({step.how})"


def _is_of(wanted: str, family: str) -> bool:
    """Whether a family is the one that was asked for, or a version of it."""
    return family.startswith(wanted)


def _word(wanted: str, name: str) -> bool:
    """Whether a family stands in a name as a word, a version behind it allowed: `qwen2.5` in `Qwen2.5-7B`."""
    return bool(re.search(rf"(?<![a-z]){re.escape(wanted)}(?![a-z])", name.lower()))


def _could_hide(denial: Denial, model: Model) -> str:
    """Return why a model cannot be excluded, "" where it can."""
    chain = model.chain
    if denial.kind == "licence":
        known = model.licence.is_complete and (model.licence.commercial_use or denial.value != "non-commercial")
        return "" if known else (next(iter(model.licence.unknown), "") or "its licence is not known")
    if model.contradictions:
        return f"its name may be false: {model.contradictions[0]}"
    if denial.kind == "maker" and denial.value in chain.mentions:
        return f"its name speaks of {denial.value}"
    if not chain.is_closed:
        return chain.open_ends[0] if chain.open_ends else "where it comes from is not known"
    if denial.kind == "country":
        silent = _without_country(chain.steps, model)
        return f"nobody says where {silent[0]} sits" if silent else ""
    return ""


def _without_country(steps: Sequence[Step], model: Model) -> list[str]:
    return [who for step in steps for who in (step.maker, step.publisher) if who and not model.countries.get(who)]
