"""What asking costs: tokens as the engine counts them, money at a stated price, an estimate before the first call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import STORED
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.engine.protocol import Completion, Request

__all__ = ["Bill", "Price", "prompt_token_span"]

_MILLION = 1_000_000
_PRICE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*,\s*([0-9]+(?:\.[0-9]+)?)\s*(?:,?\s*([A-Za-z]{3}))?\s*", re.ASCII)
_FEWEST_BYTES, _MOST_BYTES = 1.25, 5.0  # of a token: see prompt_token_span
_TEMPLATE_TOKENS = 40  # of a chat template's marks and default system prompt, at most


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, read and written, and who says so."""

    prompt: float
    completion: float
    currency: str = "USD"
    source: str = "given"

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read `IN,OUT` per million tokens, in dollars unless a currency follows; raises UsageError."""
        found = _PRICE.fullmatch(text)
        if found is None:
            raise UsageError(
                f"`{text[:60]}` is no price", hint="give two numbers a million tokens, as in `--price 0.25,1.25`"
            )
        return cls(float(found[1]), float(found[2]), (found[3] or "USD").upper())

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Return the price of so many tokens; what a provider's cache saves is not taken off."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


@dataclass(slots=True)
class Bill:
    """The tokens of answers, as the engine counts them; a sum is None where an answer came without its count."""

    answers: int = 0
    counted: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cache_told: int = 0

    def add(self, completion: Completion) -> None:
        """Add one answer; what was not answered is not counted, whatever it may have cost."""
        if completion.outcome not in STORED:
            return
        self.answers += 1
        if completion.prompt_tokens is not None and completion.completion_tokens is not None:
            self.counted += 1
            self.prompt_tokens += completion.prompt_tokens
            self.completion_tokens += completion.completion_tokens
        if completion.cached_tokens is not None:
            self.cache_told += 1
            self.cached_tokens += completion.cached_tokens

    def to_json(self, price: Price | None) -> dict[str, Any]:
        """Return the fields of `CallsBody`; None where not all answers were counted."""
        whole = self.answers == self.counted
        return {
            "prompt_tokens": self.prompt_tokens if whole else None,
            "cached_tokens": self.cached_tokens if self.answers and self.cache_told == self.answers else None,
            "completion_tokens": self.completion_tokens if whole else None,
            "price": price.of(self.prompt_tokens, self.completion_tokens) if price and whole else None,
            "currency": price.currency if price and whole else None,
        }


def prompt_token_span(requests: Iterable[Request]) -> tuple[int, int]:
    """Return the fewest and the most prompt tokens that these requests may take, without their tokenizer.

    Of UTF-8 text, vocabularies in use take 1.25 to 5 bytes a token (English some 4, Chinese 3 to 4, code 2 to 3.5; sums
    like `2 + 2 = 4` go down to 1.3, OpenAI's cookbook counts 7 tokens there); a chat template adds up to 40 tokens.
    """
    fewest = most = 0
    for request in requests:
        texts = (request.text, request.system or "", request.tools, request.schema, *(t for _, t in request.turns))
        n_bytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        fewest += int(n_bytes / _MOST_BYTES)
        most += int(n_bytes / _FEWEST_BYTES) + (_TEMPLATE_TOKENS if request.form == "chat" else 1)
    return fewest, most
