"""Hold claims against facts: supported, contradicted, or cannot tell; never a verdict without a fact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.errors import did_you_mean
from weighbridge.inspection.claims.claim import Claim, Fact, Finding, Outcome, Quantity
from weighbridge.inspection.claims.fits import Fit, fit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.inspection.claims.facts import FactBase

__all__ = ["judge_claims", "spoken_value"]

_SHARES = frozenset({Quantity.KV_CACHE_SAVING, Quantity.TRAINING_COST_SAVING, Quantity.ACTIVE_SHARE,
                     Quantity.TRAINING_COMPUTE_RATIO})  # fmt: skip
_TWO_SIDED = frozenset({Quantity.ARCHITECTURE, Quantity.OPEN_WEIGHTS, Quantity.MODALITY})
_NEAR = 0.005
_CLOSE = 0.12
_SHOWN = 6
_TRAINING = re.compile(r"\b(?:during|in|at|for)\s(?:the\s)?(?:pre-?)?training\b(?!\scosts?)", re.IGNORECASE)
_GENERATION = re.compile(r"generation|generating|inference|decod|serving", re.IGNORECASE)
_WHOLE_COST = re.compile(
    r"\b(?:including|covers?|covering|with)\b.{0,30}\b(?:research|experiments?|ablations?|salaries|hardware|R&D)\b"
    r"|\b(?:entire|whole|total|all-in|full)\s(?:\w+\s){0,2}(?:development|research|R&D|project|programme?|budget)\b"
    r"|\ball\s(?:the\s)?(?:research|development)\b",
    re.IGNORECASE,
)
_WHOLE_FACTS = re.compile(
    r"\b(?:exclud|not includ|without|final run|official training|pre-?training run)\w*", re.IGNORECASE
)


def judge_claims(claims: Iterable[Claim], base: FactBase) -> list[Finding]:
    """Return a finding a claim, in their order."""
    return [_judge(claim, base) for claim in claims]


def _judge(claim: Claim, base: FactBase) -> Finding:  # noqa: PLR0911 - one return an outcome
    if claim.quantity not in set(Quantity):
        hint = did_you_mean(claim.quantity, [quantity.value for quantity in Quantity])
        return Finding(
            claim, Outcome.CANNOT_TELL, f"there is no quantity `{claim.quantity}`; {hint or 'see the guide'}"
        )
    facts = _facts(claim, base)
    if not facts:
        known = base.knows(claim.model)
        why = f"no sourced {_spoken(claim.quantity)} of {claim.model} is known" if known else "the model is not known"
        return Finding(claim, Outcome.CANNOT_TELL, why)
    if claim.value == "open source":
        return _open_source(claim, facts, base)
    fits = _fits(claim, facts, base)
    right = sorted((fact for fit, fact in fits if fit is Fit.YES), key=lambda fact: _distance(claim, fact))
    if claim.is_denied:
        return _denied(claim, facts, right)
    if right and (wrong := _wrong_scope(claim, right[0])):
        return Finding(claim, wrong[0], wrong[1], facts)
    if right:
        return Finding(claim, Outcome.SUPPORTED, _supporting(claim.quantity, right), facts)
    because = _listed(claim.quantity, facts)
    if any(fit is Fit.UNSURE for fit, _ in fits):
        return Finding(claim, Outcome.CANNOT_TELL, f"near what is known, or not comparable: {because}", facts)
    if not any(fact.is_firm for fact in facts) and claim.quantity != Quantity.RELEASED:
        return Finding(claim, Outcome.CANNOT_TELL, f"not what is known, and that is weak: {because}", facts)
    if elsewhere := _elsewhere(claim, base):
        because += f"; {spoken_value(claim.quantity, claim.value)} is {elsewhere}"
    return Finding(claim, Outcome.CONTRADICTED, because + _remark(claim, base), facts)


def _fits(claim: Claim, facts: tuple[Fact, ...], base: FactBase) -> list[tuple[Fit, Fact]]:
    """Return how a claim stands to each fact.

    An announcement decides over the day on which a repository was created, which may be weeks away from it.
    """
    fits = [(fit_of(claim, fact), fact) for fact in facts]
    if claim.quantity == Quantity.TOTAL_PARAMETERS and all(fact.scope == "hub" or not fact.is_firm for fact in facts):
        # vendors' own counts may leave out what their repository stores
        return [(Fit.UNSURE if fit is Fit.NO and _is_close(claim, fact) else fit, fact) for fit, fact in fits]
    if claim.quantity == Quantity.EXPERTS:
        used = [fact for fact in base.facts_of(claim.model, Quantity.EXPERTS_USED) if fit_of(claim, fact) is Fit.YES]
        return fits + [(Fit.UNSURE, fact) for fact in used]  # "uses 8 experts" does not say of how many
    if claim.quantity != Quantity.RELEASED:
        return fits
    announced = [(fit, fact) for fit, fact in fits if fact.scope != "created"]
    if not announced:
        return fits
    is_near = any(fit is not Fit.NO for fit, _ in announced)
    created = [
        (fit if is_near else Fit.UNSURE, fact) for fit, fact in fits if fact.scope == "created" and fit is Fit.YES
    ]
    return announced + created


def _is_close(claim: Claim, fact: Fact) -> bool:
    if isinstance(claim.value, str) or isinstance(fact.value, str):
        return False
    return abs(claim.value - fact.value) <= _CLOSE * fact.value


def _facts(claim: Claim, base: FactBase) -> tuple[Fact, ...]:
    """Return the facts that a claim is held against; a ratio is formed from the facts of both models."""
    if claim.quantity == Quantity.SIZE_RATIO and claim.against:
        return _ratios(claim, base, Quantity.TOTAL_PARAMETERS)
    if claim.quantity == Quantity.TRAINING_COMPUTE_RATIO and claim.against:
        return _ratios(claim, base, Quantity.TRAINING_GPU_HOURS)
    return base.facts_of(claim.model, claim.quantity)


def _ratios(claim: Claim, base: FactBase, quantity: Quantity) -> tuple[Fact, ...]:
    """Return the ratio of two models' figures, the first of each."""
    ours, theirs = base.facts_of(claim.model, quantity)[:1], base.facts_of(claim.against, quantity)[:1]
    if not ours or not theirs or isinstance(ours[0].value, str) or isinstance(theirs[0].value, str):
        return ()
    one, other = ours[0].value, theirs[0].value
    counts = f"{spoken_value(quantity, one)} against {spoken_value(quantity, other)} of {claim.against}"
    source = "; ".join(dict.fromkeys((ours[0].source, theirs[0].source)))
    return (Fact(one / other, counts, source, against=claim.against),) if other else ()


def _open_source(claim: Claim, facts: tuple[Fact, ...], base: FactBase) -> Finding:
    """Judge "open source": closed weights contradict it, published weights under an open licence bear it out."""
    if not any(fact.value == "yes" for fact in facts):
        outcome = Outcome.SUPPORTED if claim.is_denied else Outcome.CONTRADICTED
        return Finding(claim, outcome, _listed(claim.quantity, facts), facts)
    licences = base.facts_of(claim.model, Quantity.LICENCE)
    named = _listed(Quantity.LICENCE, licences) or "an unknown licence"
    asked = Claim(claim.model, Quantity.LICENCE, "permissive")
    is_open = bool(licences) and all(fit_of(asked, fact) is Fit.YES for fact in licences)
    outcome = Outcome.SUPPORTED if is_open and not claim.is_denied else Outcome.CANNOT_TELL
    return Finding(
        claim, outcome, f"its weights are published under {named}; its training data is not", (*facts, *licences)
    )


def _denied(claim: Claim, facts: tuple[Fact, ...], right: Sequence[Fact]) -> Finding:
    """Judge "is not": wrong where a fact fits, right only where there are but two sides."""
    if right:
        firm = [fact for fact in right if fact.is_firm]
        outcome = Outcome.CONTRADICTED if firm else Outcome.CANNOT_TELL
        return Finding(claim, outcome, f"it is: {_said(claim.quantity, right[0])}", facts)
    because = _listed(claim.quantity, facts)
    is_sure = claim.quantity in _TWO_SIDED and any(fact.is_firm for fact in facts)
    return Finding(claim, Outcome.SUPPORTED if is_sure else Outcome.CANNOT_TELL, because, facts)


def _distance(claim: Claim, fact: Fact) -> tuple[float, bool]:
    """Return how far apart two numbers are; of several conventions the nearest is meant, firm ones before weak."""
    if isinstance(claim.value, str) or isinstance(fact.value, str):
        return 0.0, not fact.is_firm
    return abs(claim.value - fact.value), not fact.is_firm


def _supporting(quantity: str, right: Sequence[Fact]) -> str:
    """Say the nearest computed count with its convention, and the nearest published one."""
    computed = [fact for fact in right if fact.source.startswith("computed")]
    published = [fact for fact in right if not fact.source.startswith("computed")]
    return _listed(quantity, (*computed[:1], *published[:1]))


def _wrong_scope(claim: Claim, fact: Fact) -> tuple[Outcome, str] | None:
    """Return the outcome and what is wrong where a right figure is said of the wrong thing."""
    said = _said(claim.quantity, fact)
    if fact.scope == "unsure":
        return Outcome.CANNOT_TELL, f"{said}; not all of it is alike"
    if fact.scope == "generation" and _TRAINING.search(claim.words):
        if _GENERATION.search(claim.words):
            return Outcome.CANNOT_TELL, f"{said}; the sentence speaks of training too"
        return Outcome.CONTRADICTED, f"{said}; it is memory at generation, not during training"
    if fact.scope == "final run" and _WHOLE_COST.search(claim.words) and not _WHOLE_FACTS.search(claim.words):
        return Outcome.CONTRADICTED, f"{said}; it is not the whole cost"
    if fact.against and claim.quantity == Quantity.TRAINING_COMPUTE_RATIO and not claim.against:
        return Outcome.CANNOT_TELL, f"{said}; against which model is not said"
    return None


def _remark(claim: Claim, base: FactBase) -> str:
    """Return what a contradicted figure may have been taken from."""
    if claim.quantity == Quantity.CONTEXT_LENGTH and not isinstance(claim.value, str):
        for fact in base.facts_of(claim.model, Quantity.CONTEXT_CHARACTERS):
            if not isinstance(fact.value, str) and abs(fact.value - claim.value) <= _NEAR * fact.value:
                return f"; {_said(Quantity.CONTEXT_CHARACTERS, fact)}"
    if claim.quantity == Quantity.TOTAL_PARAMETERS and not isinstance(claim.value, str):
        for fact in base.facts_of(claim.model, Quantity.ACTIVE_PARAMETERS):
            if "dense" not in fact.counts and fit_of(claim, fact) is Fit.YES:
                return f"; {spoken_value(claim.quantity, claim.value)} are those that a token visits"
    return ""


def _elsewhere(claim: Claim, base: FactBase) -> str:
    """Name the model that a contradicted count belongs to, where one maker alone has it."""
    if claim.quantity != Quantity.TOTAL_PARAMETERS or isinstance(claim.value, str) or claim.is_about:
        return ""
    owners = [
        model
        for model in base.computed_models()
        if model != claim.model
        and any(
            not isinstance(fact.value, str) and abs(fact.value - claim.value) <= _NEAR * claim.value
            for fact in base.facts_of(model, claim.quantity)[:1]
        )
    ]
    return owners[0] if len({owner.partition("-")[0] for owner in owners}) == 1 else ""


def _listed(quantity: str, facts: tuple[Fact, ...]) -> str:
    """Say what is known, each value once."""
    said = list(dict.fromkeys(_said(quantity, fact) for fact in _distinct(quantity, facts)))
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more


def _distinct(quantity: str, facts: tuple[Fact, ...]) -> list[Fact]:
    """Keep the first fact of those that are spoken alike."""
    kept: dict[str, Fact] = {}
    for fact in facts:
        kept.setdefault(spoken_value(quantity, fact.value), fact)
    return list(kept.values())


def _said(quantity: str, fact: Fact) -> str:
    counts = f" ({fact.counts})" if fact.counts else ""
    return f"{'over ' if fact.is_least else ''}{spoken_value(quantity, fact.value)}{counts}"


def spoken_value(quantity: str, value: float | str) -> str:  # noqa: PLR0911 - one return a unit
    """Write a value as people say it."""
    if isinstance(value, str):
        first, *_, last = value.split("|") if "|" in value else (value, value)
        return first if first == last else f"{first} to {last}"
    if quantity in _SHARES:
        return f"{100 * value:.4g}%"
    if quantity == Quantity.TRAINING_COST_USD:
        return f"${value / 1e6:,.4g} million"
    if quantity in (Quantity.SIZE_RATIO, Quantity.THROUGHPUT_RATIO):
        return f"{value:.4g} times"
    if quantity in (Quantity.CONTEXT_LENGTH, Quantity.KV_BYTES_PER_TOKEN, Quantity.VOCABULARY):
        return f"{value:,.10g}"
    for step, name in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= step:
            return f"{value / step:.4g}{name}"
    return f"{value:,.10g}"


def _spoken(quantity: str) -> str:
    return quantity.replace("_", " ")
