"""Fingerprints: what an endpoint really serves, told by the distributions of the next token on fixed prompts."""

from __future__ import annotations

import asyncio
import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.core.digest import digest_of
from weighbridge.engine.discovery.capabilities import discover
from weighbridge.engine.protocol import STORED, Completion, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.engine.discovery.capabilities import Capabilities
    from weighbridge.engine.protocol import Engine, Form

__all__ = [
    "OTHER_KERNELS", "Fingerprint", "Likeness", "as_chats", "compare_fingerprints", "distance_between",
    "take_fingerprint", "worst_of",
]  # fmt: skip

_TOP = 20
_TEXT_TOKENS = 32
_FEWEST = 15  # prompts answered; of 25
_COMPARED, _LIKELY = 5, -4.6  # alternatives of a prompt, from the top, of 1 % and more: the tail is all rounding
_FLOOR = 1e-3  # nats: what printing and reading numbers may cost
_OTHER_HARDWARE = (0.05, 0.5)  # mean and largest difference, nats, that other kernels on the same weights may make

OTHER_KERNELS = {"rows": 0.03, "texts": 0.35}
"""Mean distance (`distance_between`) that the same weights may show on other kernels, or an endpoint under load.

Measured with llama.cpp: the weights of a 4-bit SmolLM2-135M in 16-bit kernels 0.024 and 0.315; docs/howto/drift.md."""

Verdict = Literal["same", "consistent", "differs", "cannot tell"]
_VERDICTS: tuple[Verdict, ...] = ("cannot tell", "same", "consistent", "differs")
Rows = tuple[tuple[tuple[str, float], ...], ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What came back: for each prompt the alternatives of the first token, or the text where no logprobs are given.

    `noise` and `mean_noise` are the largest and the mean difference, in nats, between asking one by one and asking all
    at once (for texts, both: the share of texts that changed); None where nothing could be compared.
    """

    prompts: str
    form: Form
    rows: Rows = ()
    texts: tuple[str, ...] = ()
    noise: float | None = None
    mean_noise: float | None = None
    calls: int = 0

    @property
    def answered(self) -> int:
        """Prompts with an answer."""
        return sum(map(bool, self.rows or self.texts))

    @property
    def tells(self) -> bool:
        """Whether enough was answered, and the endpoint asked twice, for another one to be held against it."""
        return self.answered >= _FEWEST and self.noise is not None

    @property
    def digest(self) -> str:
        """Digest of the answers, for looking up; equality of digests is not asked for: noise changes them."""
        return digest_of(self.to_json() | {"noise": None, "mean_noise": None, "calls": 0})

    def to_json(self) -> dict[str, Any]:
        """Return the fingerprint as JSON values."""
        return {
            "prompts": self.prompts,
            "form": self.form,
            "rows": [[list(pair) for pair in row] for row in self.rows],
            "texts": list(self.texts),
            "noise": self.noise,
            "mean_noise": self.mean_noise,
            "calls": self.calls,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Fingerprint:
        """Read what `to_json` gave."""
        rows = tuple(tuple((str(token), float(logprob)) for token, logprob in row) for row in value["rows"])
        return cls(**{**value, "rows": rows, "texts": tuple(value["texts"])})


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two fingerprints compare: verdict and figures, differences in nats (for texts: shares that differ)."""

    verdict: Verdict
    why: str
    prompts: int = 0
    largest: float | None = None
    mean: float | None = None
    tolerance: float | None = None
    other_first: int = 0  # prompts whose most likely token is another one


@cache
def _prompts() -> tuple[str, tuple[str, ...]]:
    """Return the version of the prompts, and the prompts."""
    table = tomllib.loads(files(__package__).joinpath("prompts.toml").read_text("utf-8"))
    return str(table["version"]), tuple(table["prompts"])


async def take_fingerprint(engine: Engine, can: Capabilities | None = None) -> Fingerprint:
    """Ask the fixed prompts of an entered engine, each twice: once alone, once among the others.

    First-token distributions where the engine gives them (50 requests of one token), else greedy texts of 32 tokens;
    `can` is what is known of the engine already.
    """
    can = can or await discover(engine)
    form: Form = "completion" if can.completion and (can.completion_logprobs or not can.chat_logprobs) else "chat"
    reads = bool(can.completion_logprobs if form == "completion" else can.chat_logprobs)
    version, prompts = _prompts()
    requests = [
        Request(form, text, 1 if reads else _TEXT_TOKENS, top_logprobs=_TOP if reads else 0) for text in prompts
    ]
    lanes = asyncio.Semaphore(max(1, engine.lanes(generates=True)))

    async def ask(request: Request) -> Completion:
        async with lanes:
            return await engine.complete(request)

    alone = [await engine.complete(request) for request in requests]
    together = await asyncio.gather(*map(ask, requests))
    calls = sum(one.attempts for one in (*alone, *together))
    if reads:
        rows, again = (tuple(one.top_logprobs for one in run) for run in (alone, together))
        far = [one for a, b in zip(rows, again, strict=True) if a and b for one in _apart(a, b)]
        noise, mean = (max(far), sum(far) / len(far)) if far else (None, None)
        return Fingerprint(version, form, rows, noise=noise, mean_noise=mean, calls=calls)
    texts, changed = (tuple(one.text if one.outcome in STORED else "" for one in run) for run in (alone, together))
    both = [(a, b) for a, b in zip(texts, changed, strict=True) if a and b]
    share = sum(a != b for a, b in both) / len(both) if both else None
    return Fingerprint(version, form, texts=texts, noise=share, mean_noise=share, calls=calls)


def as_chats(can: Capabilities) -> Capabilities:
    """Return capabilities by which a fingerprint is taken of chats: then it sees the chat template, too."""
    return replace(can, completion=False, completion_logprobs=0)


def worst_of(found: Iterable[Likeness]) -> Likeness:
    """Return the likeness that says most against the same weights; what cannot tell says nothing."""
    return max(found, key=lambda one: _VERDICTS.index(one.verdict))


def compare_fingerprints(one: Fingerprint, other: Fingerprint) -> Likeness:
    """Say whether two fingerprints come from the same weights.

    `same`: no further apart than each is from itself. `consistent`: as far as the same weights on another engine or
    other hardware may be; a very fine quantization (8 bits) may be so, too. `differs`: further than that.
    """
    if one.prompts != other.prompts or one.form != other.form:
        return Likeness("cannot tell", "other prompts, or another prompt form")
    if bool(one.rows) != bool(other.rows):
        return Likeness("cannot tell", "one gives log-probabilities, the other texts")
    answers = (one.rows, other.rows) if one.rows else (one.texts, other.texts)
    pairs = sum(bool(a and b) for a, b in zip(*answers, strict=False))
    if pairs < _FEWEST or one.noise is None or other.noise is None:
        return Likeness("cannot tell", "too few prompts were answered", pairs)
    if one.rows:
        return _compare_rows(one, other)
    return _compare_texts(one, other, max(one.noise, other.noise))


def distance_between(one: Fingerprint, other: Fingerprint) -> float | None:
    """Return how far two fingerprints are apart, 0 to 1: the mean over the prompts that both answer.

    Of distributions a lower bound of their total variation distance: the share of first tokens that must come out
    otherwise. Of texts the share of the longer one after the first character that differs. None where `one` and `other`
    are of other prompts or forms, or too few are answered.
    """
    if (one.prompts, one.form, bool(one.rows)) != (other.prompts, other.form, bool(other.rows)):
        return None
    if one.rows:
        far = [_variation(a, b) for a, b in zip(one.rows, other.rows, strict=False) if a and b]
    else:
        far = [_parted(a, b) for a, b in zip(one.texts, other.texts, strict=False) if a and b]
    return math.fsum(far) / len(far) if len(far) >= _FEWEST else None


def _compare_rows(one: Fingerprint, other: Fingerprint) -> Likeness:
    """Compare distributions."""
    pairs = [(a, b) for a, b in zip(one.rows, other.rows, strict=False) if a and b]
    far = [difference for a, b in pairs for difference in _apart(a, b)]
    largest, mean = max(far), sum(far) / len(far)
    noise, mean_noise = max(one.noise or 0.0, other.noise or 0.0), max(one.mean_noise or 0.0, other.mean_noise or 0.0)
    tolerance = max(2 * noise, _FLOOR)
    figures = (len(pairs), largest, mean, tolerance, sum(_first(a) != _first(b) for a, b in pairs))
    is_noisy = tolerance > _OTHER_HARDWARE[1]
    if not is_noisy and largest <= tolerance and mean <= max(2 * mean_noise, _FLOOR):
        return Likeness("same", "no further apart than each is from itself", *figures)
    if mean <= _OTHER_HARDWARE[0] and largest <= _OTHER_HARDWARE[1]:
        return Likeness("consistent", "as far apart as the same weights on other hardware may be", *figures)
    if mean_noise > _FLOOR and math.fsum(_variation(a, b) for a, b in pairs) <= OTHER_KERNELS["rows"] * len(pairs):
        return Likeness("consistent", "the likely tokens are as likely; the rest is the endpoint's own noise", *figures)
    if is_noisy and mean <= 2 * mean_noise:
        return Likeness("cannot tell", "each differs from itself as much", *figures)
    return Likeness("differs", "further apart than the same weights on other hardware are", *figures)


def _compare_texts(one: Fingerprint, other: Fingerprint, noise: float) -> Likeness:
    """Compare greedy texts: the same weights may part at a near tie, other weights part nearly everywhere."""
    pairs = [(a, b) for a, b in zip(one.texts, other.texts, strict=False) if a and b]
    other_texts = sum(a != b for a, b in pairs) / len(pairs)
    other_starts = sum(a[:8] != b[:8] for a, b in pairs)
    figures = (len(pairs), other_texts, other_texts, noise, other_starts)
    if other_texts <= noise:
        return Likeness("consistent", "the texts are as equal as each one's own; texts cannot show more", *figures)
    if math.fsum(_parted(a, b) for a, b in pairs) <= OTHER_KERNELS["texts"] * len(pairs):
        return Likeness("consistent", "the texts part as late as those of the same weights may", *figures)
    if 2 * other_starts > len(pairs) and other_texts > 2 * noise:
        return Likeness("differs", "most texts begin otherwise", *figures)
    return Likeness("cannot tell", "some texts differ, which near ties do, too", *figures)


def _first(row: tuple[tuple[str, float], ...]) -> str:
    """Return the most likely token."""
    return max(row, key=lambda pair: pair[1])[0]


def _apart(one: tuple[tuple[str, float], ...], other: tuple[tuple[str, float], ...]) -> list[float]:
    """Return how far the likeliest alternatives of each are apart; one that is missing, by how much at the least.

    Names that stand twice in a row are left out: a server that shows two tokens alike does not say which is which.
    """
    ours, theirs = _once(one), _once(other)
    far = []
    for these, those, row in ((ours, theirs, other), (theirs, ours, one)):
        least = min(logprob for _, logprob in row)
        twice = {token for token, _ in row} - those.keys()
        top = sorted(these.items(), key=lambda pair: -pair[1])[:_COMPARED]
        for token, logprob in [pair for pair in top if pair[1] >= _LIKELY] or top[:1]:
            if token in those:
                far.append(abs(logprob - those[token]))
            elif token not in twice:
                far.append(max(0.0, logprob - least))
    return far or [0.0]


def _variation(one: tuple[tuple[str, float], ...], other: tuple[tuple[str, float], ...]) -> float:
    """Return a lower bound of a total variation distance: what is not in a list is at most as likely as its last."""
    ours, theirs = _once(one), _once(other)
    sums = []
    for these, those, row in ((ours, theirs, other), (theirs, ours, one)):
        least = min(logprob for _, logprob in row)
        twice = {token for token, _ in row} - those.keys()
        known = ((logprob, those.get(token, least)) for token, logprob in these.items() if token not in twice)
        sums.append(math.fsum(max(0.0, _chance(mine) - _chance(yours)) for mine, yours in known))
    return min(1.0, max(sums))


def _chance(logprob: float) -> float:
    """Return the probability, whatever a server says."""
    return math.exp(min(0.0, logprob))


def _parted(one: str, other: str) -> float:
    """Return the share of the longer text after the first difference: greedy texts never meet again."""
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return 1.0 - common / max(len(one), len(other))


def _once(row: tuple[tuple[str, float], ...]) -> dict[str, float]:
    """Return the alternatives whose name stands once."""
    names = [token for token, _ in row]
    return {token: logprob for token, logprob in row if names.count(token) == 1}
