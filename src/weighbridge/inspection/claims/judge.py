"""Hold claims against facts: supported, contradicted, or cannot tell; never a verdict without a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Claim, Fact, Finding, Outcome, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["judge_claims"]

_ROUNDED = 0.02  # what people round without saying so
_ABOUT = 0.06  # what "about" leaves room for
_OVER = 1.25  # "over 14 trillion" is not said of 20
_SHARES = frozenset({Quantity.KV_CACHE_SAVING, Quantity.TRAINING_COST_SAVING})
_POINT = 0.005
_PERMISSIVE = frozenset({"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0"})


def judge_claims(claims: Iterable[Claim], base: FactBase) -> list[Finding]:
    """Return a finding a claim, in their order."""
    return [_judge(claim, base) for claim in claims]


def _judge(claim: Claim, base: FactBase) -> Finding:
    facts = base.facts_of(claim.model, claim.quantity)
    if not facts:
        known = base.knows(claim.model)
        why = f"no sourced {_spoken(claim.quantity)} of {claim.model} is known" if known else "the model is not known"
        return Finding(claim, Outcome.CANNOT_TELL, why)
    fits = sorted((fact for fact in facts if _fits(claim, fact)), key=lambda fact: _distance(claim, fact))
    if fits and (wrong := _wrong_scope(claim, fits[0])):
        return Finding(claim, Outcome.CONTRADICTED, wrong, facts)
    if fits:
        return Finding(claim, Outcome.SUPPORTED, f"{_said(claim.quantity, fits[0])}", facts)
    because = "; ".join(_said(claim.quantity, fact) for fact in facts)
    if elsewhere := _elsewhere(claim, base):
        because += f"; {spoken_value(claim.quantity, claim.value)} is {elsewhere}"
    return Finding(claim, Outcome.CONTRADICTED, because, facts)


def _fits(claim: Claim, fact: Fact) -> bool:
    """Whether a claimed value is a fair way to write a known one."""
    if isinstance(claim.value, str) or isinstance(fact.value, str):
        return _fits_text(claim, str(fact.value))
    true, said = fact.value, claim.value
    if claim.bound == "over":
        return said <= true <= said * _OVER
    if claim.bound == "under":
        return said / _OVER <= true <= said
    if claim.quantity in _SHARES:
        return abs(true - said) <= max(_POINT, claim.unit / 2) + 1e-9
    room = max((_ABOUT if claim.is_about else _ROUNDED) * true, claim.unit / 2)
    # vendors cut digits off as often as they round: 7.6 billion is sold as 7B
    return abs(true - said) <= room or 0 <= true - said < claim.unit


def _distance(claim: Claim, fact: Fact) -> float:
    """Return how far apart two numbers are; of several conventions the nearest is meant."""
    return 0.0 if isinstance(claim.value, str) or isinstance(fact.value, str) else abs(claim.value - fact.value)


def _fits_text(claim: Claim, true: str) -> bool:
    said = str(claim.value).lower()
    if claim.quantity is Quantity.LICENCE and said == "permissive":
        return true.lower() in _PERMISSIVE
    if claim.quantity is Quantity.RELEASED:
        return any(true.startswith(option) or option.startswith(true) for option in said.split("|"))
    return said == true.lower()


def _wrong_scope(claim: Claim, fact: Fact) -> str:
    """Return what is wrong where a right figure is said of the wrong thing."""
    if fact.scope == "generation" and "training" in claim.words.lower():
        return f"{_said(claim.quantity, fact)}; it is memory at generation, not during training"
    return ""


def _elsewhere(claim: Claim, base: FactBase) -> str:
    """Name the model that a contradicted count belongs to, where exactly one has it."""
    if claim.quantity is not Quantity.TOTAL_PARAMETERS or isinstance(claim.value, str) or claim.is_about:
        return ""
    owners = [
        model
        for model in base.models()
        if model != claim.model
        and any(
            not isinstance(fact.value, str) and abs(fact.value - claim.value) <= _ROUNDED / 4 * claim.value
            for fact in base.facts_of(model, claim.quantity)[:1]
        )
    ]
    return owners[0] if len({owner.partition("-")[0] for owner in owners}) == 1 else ""


def _said(quantity: Quantity, fact: Fact) -> str:
    counts = f" ({fact.counts})" if fact.counts else ""
    return f"{spoken_value(quantity, fact.value)}{counts}"


def spoken_value(quantity: Quantity, value: float | str) -> str:
    """Write a value as people say it."""
    if isinstance(value, str):
        first, *_, last = value.split("|") if "|" in value else (value, value)
        return first if first == last else f"{first} to {last}"
    if quantity in _SHARES:
        return f"{100 * value:.4g}%"
    if quantity is Quantity.TRAINING_COST_USD:
        return f"${value / 1e6:,.4g} million"
    for step, name in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= step:
            return f"{value / step:.4g}{name}"
    return f"{value:,.10g}"


def _spoken(quantity: Quantity) -> str:
    return quantity.value.replace("_", " ")
