"""What calls of our own cost, and the allotments that they are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.pilot.shadow.asking.allotment import Allotment

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.asker import Reply
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Allowance, Price
    from weighbridge.pilot.shadow.asking.allotment import Bank

__all__ = ["Allotments", "can_be_held", "cost_of", "likely_usd", "usd_of"]

_MTOK = 1_000_000
_BYTES_PER_TOKEN = 3  # as the gateway reserves for callers
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


def likely_usd(exchange: Exchange, price: Price) -> float:
    """Return what an answer to the same request may cost: as many tokens in, twice as many out."""
    usage = exchange.usage
    asked = usage.input_tokens if usage.input_tokens is not None else len(exchange.request) / _BYTES_PER_TOKEN
    said = usage.output_tokens if usage.output_tokens is not None else len(exchange.answer) / _BYTES_PER_TOKEN
    return usd_of(asked, _MORE * said, price)


def cost_of(reply: Reply, price: Price, held: float) -> float:
    """Return what a call cost: nothing where it was not sent or was refused, what was held where nobody can say."""
    if reply.error in _UNSENT or (reply.status and reply.status != _OK):
        return 0.0
    usage = reply.usage
    if usage.input_tokens is None:
        return held
    usd = usd_of(usage.input_tokens, usage.output_tokens or 0, price)
    return usd if usd < _ABSURD_USD else held
