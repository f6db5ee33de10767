"""What calls of our own cost, and the allotments that they are held against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.pilot.shadow.asking.allotment import Allotment

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.asker import Reply
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Allowance, Price
    from weighbridge.pilot.shadow.asking.allotment import Bank

__all__ = ["Allotments", "can_be_held", "cost_of", "likely_usd", "rough_usd", "tokens_in", "unsaid_usd", "usd_of"]

_MTOK = 1_000_000
_BYTES_PER_TOKEN = 3  # as the gateway reserves for callers
_FRAME_BYTES = 300  # of an event besides what the model wrote, at the most
_EVENT = re.compile(rb"^data:(?! ?\[DONE\])[^\r\n]*(?=[\r\n])", re.MULTILINE)
_MORE = 2  # a candidate may write so many times as much
_OK = 200
_ABSURD_USD = 1e6  # of one call; as the budgets of keys have it
_UNSENT = frozenset({"connect", "blocked"})


class Allotments:
    """This node's allotments, by what they are for; an allowance that was changed begins anew."""

    def __init__(self, bank: Bank | None, now: Callable[[], float]) -> None:
        self._bank = bank
        self._now = now
        self._all: dict[str, Allotment] = {}

    def of(self, name: str, allowance: Allowance) -> Allotment:
        """Return the allotment of a name (`shadow:qwen`)."""
        found = self._all.get(name)
        if found is None or found.allowance != allowance:
            found = self._all[name] = Allotment(name, allowance, self._bank, self._now)
        return found

    def close(self) -> None:
        """Give back what is left; waits for the database."""
        for one in self._all.values():
            one.close()


def can_be_held(allowance: Allowance, *prices: Price) -> bool:
    """Whether an allowance can be kept: where it is in money, every price must be known."""
    return allowance.usd_per_day is None or all(price.is_known for price in prices)


def usd_of(input_tokens: float, output_tokens: float, price: Price) -> float:
    """Return what tokens cost in US dollars; 0 where no price is known."""
    return (input_tokens * price.usd_per_mtok_input + output_tokens * price.usd_per_mtok_output) / _MTOK


def likely_usd(exchange: Exchange, price: Price, times: float = _MORE) -> float:
    """Return what an answer to the same request may cost: as many tokens in, so many times as many out."""
    usage = exchange.usage
    asked = usage.input_tokens if usage.input_tokens is not None else len(exchange.request) / _BYTES_PER_TOKEN
    said = usage.output_tokens if usage.output_tokens is not None else tokens_in(exchange.answer)
    return usd_of(asked, times * said, price)


def tokens_in(answer: bytes) -> float:
    """Reckon the tokens of an answer that may have been cut off: its bytes by three.

    Of a stream each event is a token, and more where it is longer than the shortest, which is little but its frame.
    """
    sizes = [len(event) for event in _EVENT.findall(answer)]
    if not sizes:
        return len(answer) / _BYTES_PER_TOKEN
    frame = min(_FRAME_BYTES, *sizes)
    unended = len(answer) - 1 - max(answer.rfind(b"\n"), answer.rfind(b"\r"))
    return len(sizes) + (sum(sizes) - len(sizes) * frame + unended) / _BYTES_PER_TOKEN


def rough_usd(body: bytes, reply: Reply, price: Price) -> float:
    """Return what a call cost by its bytes, both ways, whether or not its answer came to an end."""
    return usd_of(len(body) / _BYTES_PER_TOKEN, tokens_in(reply.body or reply.part), price)


def unsaid_usd(exchange: Exchange, body: bytes, reply: Reply, price: Price) -> float:
    """Return what a candidate cost that does not say so: what was held, or more by its bytes.

    One of which nothing came may have written as long as we waited, at our own model's pace.
    """
    is_silent = bool(reply.error) and not reply.part and exchange.total_s > 0
    slower = reply.total_s / exchange.total_s if is_silent else 0.0
    return max(likely_usd(exchange, price, max(_MORE, slower)), rough_usd(body, reply, price))


def cost_of(reply: Reply, price: Price, unsaid: float) -> float:
    """Return what a call cost: nothing where it was not sent or was refused, `unsaid` where no usage says it.

    Tokens written that a server does not count are not free; where they cost nothing (embeddings) they need no count.
    """
    if reply.error in _UNSENT or (reply.status and reply.status != _OK):
        return 0.0
    usage = reply.usage
    is_uncounted = usage.output_tokens is None and price.usd_per_mtok_output > 0
    if reply.error or usage.input_tokens is None or is_uncounted:
        return unsaid
    usd = usd_of(usage.input_tokens, usage.output_tokens or 0, price)
    return usd if usd < _ABSURD_USD else unsaid
