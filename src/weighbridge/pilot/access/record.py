"""What is recorded of every change of keys, done or refused; an audit takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AdminAction", "Recorder"]


@dataclass(frozen=True, slots=True)
class AdminAction:
    """Who did what to which key: `actor` is the id of a key, empty for the command line.

    `action` is `key.create`, `key.change`, `key.revoke` or `key.rotate`; `changes` gives each field before and after;
    `refused` says why it was not done. No secret and no digest is in it.
    """

    at: float
    actor: str
    tenant: str
    action: str
    target: str
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    refused: str = ""


class Recorder(Protocol):
    """Keeps an action. It is called before the change is committed: what cannot be recorded is not done."""

    def __call__(self, action: AdminAction) -> None:
        """Keep it, or raise."""
        ...
