"""Two precisions of a scripted model: what is beyond noise, what is refused, what is asked."""

from __future__ import annotations

import asyncio
import hashlib
import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import EngineUnreachable, UsageError
from weighbridge.evaluation.compare.sides import Side
from weighbridge.evaluation.precision.measure import Texts, measure_precision
from weighbridge.evaluation.precision.passages import own_passages, positions_of, shipped_passages
from weighbridge.evaluation.run import Session
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.core.evidence import Evidence

TEXTS = Texts("texts", shipped_passages()[:8], "the same vocabulary")
TOP = 20


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Give an empty store."""
    store = SQLiteStore(tmp_path / "store.db")
    yield Session(store, date(2026, 11, 22))
    store.close()


def model(loss: float, jitter: float = 0.0, most: int = 64, tokens: int = 0, salt: int = 0) -> ScriptedEngine:
    """Return a model over 100 tokens whose logits a coarser format moves by `loss`, and every asking by `jitter`."""

    def answer(request: Request) -> Completion:
        if request.top_logprobs > most:
            return Completion(Outcome.FAILED, detail="HTTP 400: too many logprobs")
        seed = int(hashlib.sha256(request.text.encode()).hexdigest()[:12], 16)
        rng = np.random.default_rng(seed)
        logits = 2 * rng.standard_normal(100) + loss * rng.standard_normal(100)
        logits += jitter * np.random.default_rng([seed, request.draw % 97, salt]).standard_normal(100)
        logprobs = logits - np.log(np.exp(logits).sum())
        top = np.argsort(-logprobs)[: request.top_logprobs]
        pairs = tuple((f"t{token}", float(logprobs[token])) for token in top)
        return Completion(
            Outcome.ANSWERED, "t", top_logprobs=pairs, prompt_tokens=len(request.text) + tokens, completion_tokens=1
        )

    return ScriptedEngine(answer)


def measured(session: Session, quantized: ScriptedEngine, original: ScriptedEngine, texts: Texts = TEXTS) -> Evidence:
    """Measure one against the other."""
    sides = Side("sha256:" + "1" * 64, "quantized", quantized), Side("sha256:" + "2" * 64, "original", original)
    return asyncio.run(measure_precision(*sides, texts, session))


def test_the_same_weights_are_no_difference(session: Session) -> None:
    """Zero at every position, no flip, and no interval that claims what no sample shows."""
    body = measured(session, model(0), model(0)).body
    assert (body["kl"], body["kl_worst"], body["flips"]["value"]) == (None, 0.0, 0.0)
    assert body["identical"] == body["positions"] == len(positions_of(TEXTS.passages))
    assert body["differs"] is False
    assert body["flips"]["high"] > 0


def test_a_coarser_format_loses_more(session: Session) -> None:
    """Divergence and flips grow with the error, and all are beyond the noise of an original that repeats itself."""
    found = [measured(session, model(loss), model(0)).body for loss in (0.05, 0.2, 0.8)]
    means = [body["kl"]["value"] for body in found]
    assert means == sorted(means)
    assert means[0] == pytest.approx(0.05**2 / 2, rel=0.4)  # variance of the error / 2: second order of the divergence
    assert [body["flips"]["value"] for body in found] == sorted(body["flips"]["value"] for body in found)
    assert all(body["differs"] and body["kl"]["low"] > 0 for body in found)


def test_what_the_original_does_to_itself_is_noise(session: Session) -> None:
    """An engine whose answers tremble as much as the difference: said to be within noise."""
    body = measured(session, model(0, jitter=0.2, salt=1), model(0, jitter=0.2)).body
    assert body["kl"]["value"] > 0.005
    assert body["noise_kl"]["value"] == pytest.approx(body["kl"]["value"], rel=0.3)
    assert body["differs"] is False


def test_fewer_tokens_are_asked_for_where_an_engine_gives_fewer(session: Session) -> None:
    """64, then 20: both sides are asked for the same number; stored answers are not asked again."""
    quantized, original = model(0.1, most=TOP), model(0)
    body = measured(session, quantized, original).body
    n = len(positions_of(TEXTS.passages))
    assert body["top_tokens"] == TOP
    assert body["calls"] == 3 * n + 3
    assert {request.max_tokens for request in quantized.requests} == {1}
    assert measured(session, quantized, original).body["calls"] == 3


def test_other_tokenizers_are_refused(session: Session) -> None:
    """Unequal counts of prompt tokens tell, even where the vocabularies could not be read."""
    with pytest.raises(UsageError, match="tokenizers differ"):
        measured(session, model(0.1, tokens=1), model(0))


def test_an_unknown_tokenizer_is_refused(session: Session) -> None:
    """No vocabulary and no counts: nobody knows whether the figures would mean anything."""
    plain = model(0.1)
    bare = ScriptedEngine(lambda request: without_counts(plain, request))
    with pytest.raises(UsageError, match="not known whether"):
        measured(session, bare, bare, Texts("texts", TEXTS.passages))


def without_counts(engine: ScriptedEngine, request: Request) -> Completion:
    """Answer as the model does, without counts of tokens."""
    told = engine._answer(request)
    return Completion(Outcome.ANSWERED, told.text, top_logprobs=told.top_logprobs)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda _: Completion(Outcome.ANSWERED, "word"), UsageError, "no next-token distribution"),
        (lambda _: Completion(Outcome.FAILED, detail="HTTP 404"), UsageError, "no next-token distribution"),
        (lambda _: Completion(Outcome.TIMEOUT, detail="60 s"), EngineUnreachable, "does not answer"),
    ],
)
def test_an_engine_without_distributions_is_refused(
    session: Session, answer: Callable[[Request], Completion], error: type[Exception], words: str
) -> None:
    """A chat without logprobs cannot be measured so; a server that is down is another matter."""
    with pytest.raises(error, match=words):
        measured(session, ScriptedEngine(answer), model(0))


def test_the_ratio_of_perplexities_is_that_of_the_next_tokens(session: Session) -> None:
    """The original gives every next character 0.5, the quantized 0.4: 1.25, and no interval without spread."""

    def says(share: Callable[[str], float]) -> ScriptedEngine:
        def answer(request: Request) -> Completion:
            follows = {one.prompt: one.follows for one in positions_of(TEXTS.passages)}[request.text]
            likely = share(request.text)
            pairs = ((follows[:1], math.log(likely)), ("other", math.log(0.9 - likely)))
            return Completion(Outcome.ANSWERED, "x", top_logprobs=pairs, prompt_tokens=1)

        return ScriptedEngine(answer)

    def wavering(text: str) -> float:
        return 0.4 if len(text) % 2 else 0.5

    n = len(positions_of(TEXTS.passages))
    odd = sum(len(one.prompt) % 2 for one in positions_of(TEXTS.passages))
    ratio = measured(session, says(wavering), says(lambda _text: 0.5)).body["perplexity_ratio"]
    assert ratio["value"] == pytest.approx((0.5 / 0.4) ** (odd / n))
    assert ratio["low"] < ratio["value"] < ratio["high"]


def test_positions_never_cut_a_word(tmp_path: Path) -> None:
    """13 positions a text, each prompt the beginning of the next; an own file is cut into passages."""
    positions = positions_of(shipped_passages())
    assert len(positions) == 13 * len(shipped_passages()) == 208
    for one in positions:
        assert one.prompt + one.follows in {passage.text for passage in shipped_passages()}
        if one.passage.startswith(("en", "de", "code")):
            assert one.follows[0].isspace()
            assert not one.prompt[-1].isspace()
    place = tmp_path / "own.txt"
    place.write_text("A sentence of some words. " * 400)
    assert len(own_passages(place)) == 26 * 400 // 600
    place.write_text("short")
    with pytest.raises(UsageError, match="too short"):
        own_passages(place)
    place.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        own_passages(place)


def test_the_evidence_says_what_it_was_made_from(session: Session) -> None:
    """Kept under the quantized model, with the original among its inputs, one row a position."""
    evidence = measured(session, model(0.1), model(0))
    rows: list[dict[str, Any]] = evidence.body["items"]
    assert evidence.inputs[0] == evidence.body["original"]
    assert len(rows) == evidence.body["positions"]
    assert list(session.store.select(kind="precision/v1")) == [evidence]
