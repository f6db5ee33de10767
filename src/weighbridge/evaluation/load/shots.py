"""What is asked: prompts of our own text, made to a length, each with a prefix that no cache has seen."""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Request
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.engine.protocol import Form

__all__ = ["Prompts", "Shape", "parse_shapes"]

_WRITTEN = re.compile(r"(\d{1,7}):(\d{1,6})(?:@(\d{1,4}))?")
_TOKENS_A_WORD = 1.35  # until the server has counted some
_NONCE_TOKENS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """Tokens in and out of one kind of request, and its weight in the mix."""

    tokens_in: int
    tokens_out: int
    weight: int = 1

    def __str__(self) -> str:
        return f"{self.tokens_in}:{self.tokens_out}@{self.weight}"


def parse_shapes(written: Sequence[str]) -> tuple[Shape, ...]:
    """Read shapes such as `512:128` or `2000:50@3`; raises UsageError."""
    shapes = []
    for word in written:
        match = _WRITTEN.fullmatch(word)
        shape = Shape(int(match[1]), int(match[2]), int(match[3] or 1)) if match else None
        if shape is None or not (shape.tokens_in and shape.tokens_out and shape.weight):
            raise UsageError(
                f"`{word}` is no length of prompt and answer", hint="write tokens in and out: `512:128`, or `512:128@3`"
            )
        shapes.append(shape)
    return tuple(shapes)


class Prompts:
    """Makes the requests of a run, the same for the same seed but for `salt`, which begins every prompt.

    So two servers are asked the same words in the same order, and no prefix cache holds the beginning of a prompt,
    unless `shared_tokens` of it are the same for all by intention. `learn` corrects the length of the words in tokens.
    """

    def __init__(
        self, shapes: Sequence[Shape], *, seed: int, salt: str, form: Form = "chat", shared_tokens: int = 0
    ) -> None:
        self.shapes = tuple(shapes)
        self.form: Form = form
        self.shared_tokens = shared_tokens
        self.tokens_a_word = _TOKENS_A_WORD
        self._salt = salt
        self._seed = seed

    def request(self, number: int) -> tuple[Request, Shape]:
        """Return the request of that number, and the shape it was made to."""
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311 - text, not a secret
        shape = draw.choices(self.shapes, [shape.weight for shape in self.shapes])[0]
        shared = min(self.shared_tokens, shape.tokens_in)
        common = self._text(random.Random(self._seed), shared)  # noqa: S311 - text, not a secret
        own = self._text(draw, shape.tokens_in - shared - _NONCE_TOKENS)
        text = " ".join(part for part in (common, f"[{self._salt}-{number}]", own) if part)
        return Request(self.form, text, shape.tokens_out, stream=True), shape

    def learn(self, shape: Shape, counted: int | None) -> None:
        """Correct the words a token by the prompt tokens that a server counted, within what is believable."""
        made = max(1, round((shape.tokens_in - _NONCE_TOKENS) / self.tokens_a_word))
        if counted is not None and counted > _NONCE_TOKENS:
            self.tokens_a_word = min(8.0, max(0.25, (counted - _NONCE_TOKENS) / made))

    def _text(self, draw: random.Random, tokens: int) -> str:
        """Return words of about so many tokens."""
        return " ".join(draw.choices(_words(), k=max(0, round(tokens / self.tokens_a_word))))


@functools.cache
def _words() -> list[str]:
    """Return the words that prompts are made of."""
    return files(__package__).joinpath("words.txt").read_text("ascii").split()
