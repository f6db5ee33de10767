"""What the gateway asks of an audit log before it passes on, and before it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from weighbridge.pilot.access.protocol import Refusal
    from weighbridge.pilot.exchange import Exchange

__all__ = ["NO_WITNESS", "NoWitness", "Witness"]


class Witness(Protocol):
    """A log that must hold an answer before the caller does. Neither question waits for the disk to be flushed."""

    def refusal(self) -> Refusal | None:
        """Return why nothing may be passed on now (503), or None; asked before a request is passed on."""
        ...

    def answering(self, exchange: Exchange) -> Refusal | None:
        """Write the record of an answer before its first byte is sent; a refusal where it cannot be written.

        A whole answer has its `sent_sha256` by then, and its record is complete; a stream has none, and gets a record
        that it began (its end follows by `Listener.ended`).
        """
        ...


class NoWitness:
    """No log is kept: nothing is refused for it."""

    def refusal(self) -> Refusal | None:
        """Refuse nothing."""
        return None

    def answering(self, exchange: Exchange) -> Refusal | None:  # noqa: ARG002 - as Witness has it
        """Write nothing."""
        return None


NO_WITNESS: Witness = NoWitness()
