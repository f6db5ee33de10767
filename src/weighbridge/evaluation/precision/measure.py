"""Ask both precisions at every position, the original twice, and say what is beyond noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import STORED, Completion, Outcome, Request
from weighbridge.errors import EngineUnreachable, UsageError
from weighbridge.evaluation.item import Item
from weighbridge.evaluation.plan import Plan
from weighbridge.evaluation.precision.divergence import Divergence, compare_distributions, next_token
from weighbridge.evaluation.precision.passages import positions_of, texts_digest
from weighbridge.evaluation.run import ask
from weighbridge.evaluation.suite import Suite
from weighbridge.statistics.clustered import difference_estimate, mean_estimate, unit_mean_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.compare.sides import Side
    from weighbridge.evaluation.precision.passages import Passage, Position
    from weighbridge.evaluation.run import Run, Session

__all__ = ["KIND", "Texts", "measure_precision"]

KIND = "precision/v1"
_TOPS = (64, 20, 5)  # what llama.cpp gives and we read; what vLLM gives; what OpenAI's completions gave
_SECOND = 1 << 40  # of a draw: the original asked once more
_FEWEST = 0.5  # of the positions must be answered by both
_ALIKE = 0.5  # mean probability in tokens of the same name, below which the names are of different tokenizers


@dataclass(frozen=True, slots=True)
class Texts:
    """Which texts are read; `tokenizer` says how the vocabularies were found equal, None where they were not read."""

    name: str
    passages: Sequence[Passage]
    tokenizer: str | None = None


async def measure_precision(quantized: Side, original: Side, texts: Texts, session: Session) -> Evidence:
    """Return `precision/v1` of the quantized model beside the original; both sides need an engine.

    One request a position and asking, of one token, by raw completions: an answer that the store holds is not asked
    again. Raises UsageError where an engine gives no distribution after a raw text, or the tokenizers differ or cannot
    be compared; EngineUnreachable where fewer than half of the positions were answered.
    """
    engine, other = _engine(quantized), _engine(original)
    positions = positions_of(texts.passages)
    top, tried = await _settle_top((engine, other), positions[0])
    plans = [
        _plan(texts, positions, quantized.subject, engine, top, session.draw),
        _plan(texts, positions, original.subject, other, top, session.draw),
        _plan(texts, positions, original.subject, other, top, session.draw + _SECOND),
    ]
    runs = []
    with session.progress(texts.name, 3 * len(positions), "positions") as advance:
        for plan, asked in zip(plans, (engine, other, other), strict=True):
            # backwards, the second asking finds other prefixes cached than the first: that is noise, too
            order = iter(reversed(range(len(positions)))) if plan is plans[2] else iter(range(len(positions)))
            runs.append(await ask(plan, asked, session, advance, order=order))
    tokenizer = _same_tokens(texts, runs[0], runs[1])
    told = {
        "original": original.subject,
        "original_name": original.name,
        "engine": engine.identity.to_json(),
        "original_engine": other.identity.to_json(),
        "texts": texts_digest(positions),
        "texts_name": texts.name,
        "tokenizer": tokenizer,
        "top_tokens": top,
        "calls": tried + sum(run.calls for run in runs),
    }
    body = told | _found(positions, *[run.completions for run in runs])
    KINDS[KIND].model_validate(body)
    inputs = (
        original.subject,
        *(digest_of(list(plan.recipes)) for plan in plans),
    )
    evidence = Evidence(quantized.subject, KIND, body, inputs, OURS, min(run.oldest for run in runs))
    session.store.add(evidence)
    return evidence


def _engine(side: Side) -> Engine:
    """Return the engine of a side."""
    if side.engine is None:
        raise UsageError(f"nothing answers for `{side.name}`", hint="start a server and give its address")
    return side.engine


async def _settle_top(engines: tuple[Engine, Engine], first: Position) -> tuple[int, int]:
    """Return how many tokens both engines report at a position, and the calls that took."""
    calls, able = 0, list(_TOPS)
    for engine in engines:
        while True:
            request = Request("completion", first.prompt, 1, top_logprobs=able[0])
            completion = await engine.complete(request)
            calls += completion.attempts
            if completion.top_logprobs:
                break
            if completion.outcome not in STORED and not completion.detail.startswith("HTTP 4"):
                raise EngineUnreachable(f"`{engine.identity.model}` does not answer: {completion.detail}")
            if len(able) == 1:
                raise UsageError(
                    f"`{engine.identity.model}` gives no next-token distribution after a raw text",
                    hint="serve it with llama.cpp, vLLM or SGLang (completions with `logprobs`)",
                )
            able.pop(0)
    return able[0], calls


def _plan(texts: Texts, positions: Sequence[Position], subject: str, engine: Engine, top: int, draw: int) -> Plan:
    """Lay out one request a position."""
    requests = tuple(Request("completion", one.prompt, 1, top_logprobs=top, draw=draw) for one in positions)
    shared = {"subject": subject, "engine": engine.identity.digest}
    recipes = tuple(digest_of({**shared, "request": request.to_json()}) for request in requests)
    items = tuple(Item(one.id, one.prompt, answer=one.follows, group=one.passage) for one in positions)
    suite = Suite(
        name=texts.name, version="1", title=texts.name, measures=KIND, language="", licence="", source="", scorer="",
        chance=0.0, max_tokens=1, forms={"completion": "$question"}, prefix="", system=None, items=items,
        digest=texts_digest(positions),
    )  # fmt: skip
    return Plan(suite, "completion", items, requests, recipes)


def _same_tokens(texts: Texts, run: Run, other: Run) -> str:
    """Say how it is known that both read the same tokens; raises UsageError where they do not, or nobody knows."""
    pairs = [
        (mine.prompt_tokens, theirs.prompt_tokens)
        for mine, theirs in zip(run.completions, other.completions, strict=True)
        if mine.prompt_tokens is not None and theirs.prompt_tokens is not None
    ]
    unequal = sum(mine != theirs for mine, theirs in pairs)
    if unequal:
        raise UsageError(
            f"the tokenizers differ: {unequal} of {len(pairs)} texts are not as many tokens in both",
            hint="this compares one model in two precisions; for two models there is `weighbridge compare`",
        )
    if texts.tokenizer is not None:
        return texts.tokenizer
    if not pairs:
        raise UsageError(
            "it is not known whether the tokenizers are the same: no vocabulary, no token counts of an engine",
            hint="give both as files, or serve them with an engine that counts prompt tokens",
        )
    return f"equal counts of prompt tokens in {len(pairs)} texts; the vocabularies were not read"


@dataclass(frozen=True, slots=True)
class _Row:
    """One position at which both answered."""

    at: Position
    quantized: Completion
    original: Completion
    apart: Divergence
    noise: Divergence | None


def _found(
    positions: Sequence[Position],
    quantized: Sequence[Completion],
    original: Sequence[Completion],
    again: Sequence[Completion],
) -> dict[str, Any]:
    """Return the figures of the body."""
    rows = []
    for at, mine, theirs, second in zip(positions, quantized, original, again, strict=True):
        first = theirs.top_logprobs
        if mine.top_logprobs and first:
            noise = compare_distributions(first, second.top_logprobs) if second.top_logprobs else None
            rows.append(_Row(at, mine, theirs, compare_distributions(first, mine.top_logprobs), noise))
    if len(rows) < max(2, _FEWEST * len(positions)):
        lost = next((one.detail for one in (*quantized, *original) if one.outcome is Outcome.FAILED), "")
        raise EngineUnreachable(f"only {len(rows)} of {len(positions)} positions were answered by both: {lost}")
    clusters = [row.at.passage for row in rows]
    kl = [row.apart.kl for row in rows]
    seen = math.fsum(row.apart.seen for row in rows) / len(rows)
    if seen < _ALIKE:
        raise UsageError(
            f"the engines name tokens differently: {seen:.0%} of the probability is in tokens of the same name",
            hint="serve both with the same engine; models of different tokenizers cannot be compared so",
        )
    ratio, capped = _perplexity_ratio(rows)
    beside_itself = _noise(rows)
    return {
        "positions": len(rows),
        "unanswered": len(positions) - len(rows),
        "seen": seen,
        "identical": sum(row.apart.identical for row in rows),
        "kl": _json(mean_estimate(kl, clusters, within=(0.0, math.inf))),
        "kl_median": median(kl),
        "kl_worst": max(kl),
        "flips": _json(unit_mean_estimate([float(row.apart.flipped) for row in rows], clusters)),
        "perplexity_ratio": _json(ratio),
        "capped": capped,
        **beside_itself,
        "items": [
            {
                "id": row.at.id,
                "kl": row.apart.kl,
                "noise_kl": row.noise.kl if row.noise else None,
                "top": _top(row.quantized),
                "original_top": _top(row.original),
            }
            for row in rows
        ],
    }


def _noise(rows: Sequence[_Row]) -> dict[str, Any]:
    """Return how far the original is from itself, and what of the difference is beyond that."""
    both = [(row, row.noise) for row in rows if row.noise is not None]
    clusters = [row.at.passage for row, _ in both]
    own = [noise.kl for _, noise in both]
    flips = [float(noise.flipped) for _, noise in both]
    kl = difference_estimate([row.apart.kl for row, _ in both], own, clusters)
    flipped = difference_estimate([float(row.apart.flipped) for row, _ in both], flips, clusters, within=(-1.0, 1.0))
    return {
        "noise_kl": _json(mean_estimate(own, clusters, within=(0.0, math.inf))),
        "noise_identical": sum(noise.identical for _, noise in both),
        "noise_flips": _json(unit_mean_estimate(flips, clusters)),
        "kl_beyond_noise": _json(kl),
        "flips_beyond_noise": _json(flipped),
        "differs": kl is not None and kl.low > 0,
    }


def _perplexity_ratio(rows: Sequence[_Row]) -> tuple[Estimate | None, int]:
    """Return exp of the mean loss of log-probability on the texts' own next tokens, and how many are bounds.

    exp is monotone, so the ends of the interval are those of the mean. Over positions where the original reports the
    token, whatever the quantized does: chosen by the other side, the quantized is not helped by what it leaves out.
    """
    losses, clusters, capped = [], [], 0
    for row in rows:
        told = next_token(row.original.top_logprobs, row.at.follows)
        if told is None:
            continue
        mine = dict(row.quantized.top_logprobs)
        capped += told[0] not in mine
        logprob = mine.get(told[0], min(mine.values()))
        losses.append(told[1] - logprob)
        clusters.append(row.at.passage)
    mean = mean_estimate(losses, clusters) if len(losses) >= _FEWEST * len(rows) else None
    if mean is None:
        return None, capped
    method = f"exp of the mean loss in nats, {mean.method}"
    low, value, high = (math.exp(min(end, 50.0)) for end in (mean.low, mean.value, mean.high))
    return replace(mean, value=value, low=low, high=high, method=method), capped


def _top(completion: Completion) -> str:
    """Return the name of the likeliest token."""
    return max(completion.top_logprobs, key=lambda pair: pair[1])[0][:200]


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    """Return an estimate as JSON values."""
    return estimate.to_json() if estimate else None
