"""Who may ask, how much, and for what: the questions that the hot path asks; all answered from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Usage

__all__ = ["Caller", "Gatekeeper", "Refusal", "Reservation"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key belongs to, and what it may do; `models` are route names, None for all."""

    key_id: str
    tenant: str
    scopes: frozenset[str]
    models: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not passed on: HTTP status, `type` and `code` as OpenAI names them, seconds to wait."""

    status: int
    kind: str
    code: str
    message: str
    retry_after_s: float | None = None


class Reservation(Protocol):
    """Tokens, one place among those at once, and money that are held for one request."""

    def settle(self, usage: Usage, usd: float | None) -> None:
        """Give back what was not used; called once, also where the request failed or the caller left."""
        ...


class Gatekeeper(Protocol):
    """The access of a pilot. Nothing here waits: no disk, no network, no lock across an await."""

    def identify(self, authorization: bytes | None) -> Caller | Refusal:
        """Return who presents this header's value (None where there is none, or several): constant work, always 401."""
        ...

    def reserve(self, caller: Caller, route: str, tokens: int, usd: float) -> Reservation | Refusal:
        """Hold a request's most tokens and money against limits and budgets, before it is passed on."""
        ...
