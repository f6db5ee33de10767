"""Who may ask, how much, and for what: the questions that the hot path asks; all answered from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Usage

__all__ = ["LEASE_PENDING", "Caller", "Gatekeeper", "Refusal", "Reservation"]

LEASE_PENDING = "budget_lease_pending"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key belongs to, and what it may do; `models` are route names, None for all.

    `line` is the id of the topmost key of those that made it one after the other; its own, where no key made it.
    """

    key_id: str
    tenant: str
    scopes: frozenset[str]
    models: frozenset[str] | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not passed on: HTTP status, `type` and `code` as OpenAI names them, seconds to wait.

    `headers` are those of the limits (RateLimit), to be sent with it.
    """

    status: int
    kind: str
    code: str
    message: str
    retry_after_s: float | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Reservation(Protocol):
    """Tokens, one place among those at once, and money that are held for one request."""

    def settle(self, usage: Usage, usd: float | None) -> None:
        """Give back what was not used; called once, also where the request failed or the caller left.

        What is None is not known and counts as held: where no model was reached, say `Usage(0, 0)` and 0.0.
        """
        ...

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of the limits (RateLimit), to be sent with the answer."""
        ...


class Gatekeeper(Protocol):
    """The access of a pilot. Nothing here waits: no disk, no network, no lock across an await."""

    def identify(self, authorization: bytes | None) -> Caller | Refusal:
        """Return who presents this header's value (None where there is none, or several): constant work, always 401."""
        ...

    def is_live(self, caller: Caller) -> bool:
        """Whether the key of a caller that was identified before still counts: asked while its answer is under way."""
        ...

    def has_budget(self, caller: Caller) -> bool:
        """Whether a budget in money is held against what a caller asks: legs without a price do not serve it then."""
        ...

    def reserve(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Reservation | Refusal:
        """Hold a request's most tokens and money against limits and budgets, before it is passed on.

        `usd` is None where no price is known: a key with a budget is then refused, another holds nothing.
        """
        ...

    async def reserve_soon(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Reservation | Refusal:
        """As `reserve`, but wait (at most a second) where money for it is being leased from the store.

        Returns without suspending where none is needed. `reserve` says 429 LEASE_PENDING instead of waiting.
        """
        ...
