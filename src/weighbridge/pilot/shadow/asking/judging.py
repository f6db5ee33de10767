"""When a judge is asked, what it is sent, and what its reply says: the last and dearest of all signs."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.evaluation.arena.quoting import cut, free_code
from weighbridge.evaluation.arena.wording import question_on, read_word, system_with
from weighbridge.pilot.observation.reading import read_exchange

if TYPE_CHECKING:
    from weighbridge.pilot.shadow.pair import Outcome, Two

__all__ = ["CHANCES", "LEAST_CHANCE", "MOST_TOKENS", "Draw", "Showing", "chance_of", "read_reply", "showing"]

CHANCES = {"flip": 0.5, "apart": 0.25, "alike": 0.15}
"""The chances with which a judge is asked. Few more pairs of answers that are alike end in a tie than of others, so
their chance is not much less: at 0.04 a verdict took twice the calls (tests/unit/pilot/shadow/test_costs.py)."""

LEAST_CHANCE = min(CHANCES.values())
MOST_TOKENS = 1024
"""Room for a judge that thinks before it says its word; the others take two or three."""

_ALIKE = 0.9
_FAR = 2.0  # one answer is so many times as long as the other
_CHAT = "/v1/chat/completions"
_TWO_TO_64 = 2.0**64


class Showing(NamedTuple):
    """A request to a judge; `first`: the candidate's answer is A."""

    body: bytes
    first: bool


def chance_of(agreement: float | None, flags: tuple[Two, ...], chars: Two) -> float:
    """Return the chance with which a pair is judged, from signs that cost nothing: more where they disagree.

    A flip is one of `flags` told of both answers that is not the same, or an answer twice as long as the other.
    """
    flips = any(None not in two and two[0] != two[1] for two in flags)
    ours, theirs = chars
    if ours is not None and theirs is not None:
        flips = flips or max(ours, theirs) + 1 > _FAR * (min(ours, theirs) + 1)
    if flips:
        return CHANCES["flip"]
    return CHANCES["alike" if agreement is not None and agreement >= _ALIKE else "apart"]


class Draw:
    """Draws with a chance, by a keyed hash of an exchange's id: every node that asks gets the same answer.

    Who does not know the secret can reckon none, and each `purpose` draws for itself.
    """

    __slots__ = ("_begun",)

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._begun = blake2b(purpose.encode() + b"\0", key=secret[:64], digest_size=8)

    def __call__(self, exchange_id: str, chance: float) -> bool:
        """Return whether it is drawn."""
        digest = self._begun.copy()
        digest.update(exchange_id.encode())
        return int.from_bytes(digest.digest(), "big") < chance * _TWO_TO_64


def showing(model: str, texts: tuple[str, str, str], secret: bytes, exchange_id: str) -> Showing:
    """Return what a judge is sent: a prompt and two answers (ours, the candidate's), in an order drawn by the id.

    The words are those of the arena (`evaluation.arena.wording`), so that a judge measured there is the one used here.
    """
    first = Draw(secret, "order")(exchange_id, 0.5)
    prompt, ours, theirs = map(cut, texts)
    quoted = (prompt, theirs, ours) if first else (prompt, ours, theirs)

    def draw(attempt: int) -> bytes:
        return blake2b(f"code\0{attempt}\0{exchange_id}".encode(), key=secret[:64]).digest()

    code = free_code(draw, quoted)
    messages = [
        {"role": "system", "content": system_with(code)},
        {"role": "user", "content": question_on(quoted, code)},
    ]
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": MOST_TOKENS}
    return Showing(json.dumps(body).encode("utf-8", "replace"), first)


def read_reply(answer: bytes, *, first: bool) -> Outcome:
    """Return the candidate's outcome in a judge's answer, `none` for anything but one of its three words."""
    reading = read_exchange(_CHAT, b"{}", answer, is_stream=False)
    word = read_word(reading.answer) if reading is not None else "none"
    if word in ("left", "right"):
        return "win" if (word == "left") == first else "loss"
    return "tie" if word == "tie" else "none"
