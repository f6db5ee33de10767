"""What the gateway is built around: who may ask, what is admitted, which leg serves, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.pilot.audit.protocol import NO_WITNESS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping

    from weighbridge.pilot.access.protocol import Gatekeeper
    from weighbridge.pilot.audit.protocol import Witness
    from weighbridge.pilot.exchange import Exchange, Listener
    from weighbridge.pilot.route import Admission, Leg, Route

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["Admissions", "Chooser", "Hooks", "Mount", "choose_primary", "keep_nothing"]


class Admissions(Protocol):
    """Routes and whether their legs are admitted now; a snapshot in memory, answered without waiting."""

    def find(self, name: str) -> Route | None:
        """Return the route of a name."""
        ...

    def names(self) -> Iterable[str]:
        """Return the names of all routes."""
        ...

    def admission(self, leg: Leg) -> Admission:
        """Return whether a leg may be served."""
        ...


class Chooser(Protocol):
    """Which leg serves a request; a canary takes its share here."""

    def __call__(self, route: Route, exchange: Exchange) -> tuple[str, Leg]:
        """Return `primary` or `canary`, and its leg; in memory, without waiting."""
        ...


@dataclass(frozen=True, slots=True)
class Mount:
    """Another application under a path of its own (`/admin`): a key is asked for first, and the scope.

    Without a scope any valid key passes, and the application asks further; `scope["state"]["caller"]` is who asks.
    """

    path: str
    app: App
    scope: str = ""


def choose_primary(route: Route, exchange: Exchange) -> tuple[str, Leg]:  # noqa: ARG001 - a Chooser's signature
    """Choose the primary, always."""
    return "primary", route.primary


def keep_nothing(route: Route, exchange: Exchange) -> bool:  # noqa: ARG001 - as Hooks.keeps is called
    """Keep no texts."""
    return False


@dataclass(frozen=True, slots=True)
class Hooks:
    """All that the gateway asks and tells.

    `keeps` says, before the answer comes, whether an exchange's bodies are held for the listeners. `user_secret` keys
    the hash of users' names, so that a canary sticks to a user whose name is written nowhere. `witness` writes down an
    answer before it is sent.
    """

    gatekeeper: Gatekeeper
    admissions: Admissions
    listeners: Collection[Listener] = ()
    choose: Chooser = choose_primary
    keeps: Callable[[Route, Exchange], bool] = keep_nothing
    user_secret: bytes = b""
    mounts: Collection[Mount] = ()
    witness: Witness = NO_WITNESS
