"""Every error that a user can act on, drawn as a tree.

* WeighbridgeError                  exit code 1
  x UsageError                      exit code 2
    - BadReference
    - DamagedFile
    - PolicyError
    - SuiteError
    - ExtraMissing
    - SandboxUnavailable
  x NotFound                        exit code 3
    - EngineUnreachable
    - HubUnreachable
  x Interrupted                     exit code 4
  x StoreDamaged                    exit code 1
  x HubChanged                      exit code 1

What happens *to a model* is data, not an error: a timed-out item is a completion with an outcome.
Adapters translate foreign exceptions at their edge; only `cli` and `web` catch these.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BadReference",
    "DamagedFile",
    "EngineUnreachable",
    "ExtraMissing",
    "HubChanged",
    "HubUnreachable",
    "Interrupted",
    "NotFound",
    "PolicyError",
    "SandboxUnavailable",
    "StoreDamaged",
    "SuiteError",
    "UsageError",
    "WeighbridgeError",
    "did_you_mean",
]


class WeighbridgeError(Exception):
    """One sentence without a full stop, and a hint that says what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(WeighbridgeError):
    """Wrong usage, policy or input."""

    exit_code = 2


class BadReference(UsageError):
    """A reference to a model that cannot be read or is not supported yet."""


class DamagedFile(UsageError):
    """A file whose bytes contradict its format; the message says where."""


class PolicyError(UsageError):
    """A policy file that cannot be followed; the message gives the place."""


class SuiteError(UsageError):
    """A suite folder that cannot be asked; the message gives the place."""


class ExtraMissing(UsageError):
    """A part of Weighbridge that is an extra and is not installed."""


class SandboxUnavailable(UsageError):
    """No sandbox can run here, and code that a model wrote is run nowhere else."""


class NotFound(WeighbridgeError):
    """A model, file, suite, policy or record that is not there."""

    exit_code = 3


class EngineUnreachable(NotFound):
    """No engine answers at the address given."""


class HubUnreachable(NotFound):
    """A hub that gives no answer, or may not be asked: offline, rate limit, failure."""


class Interrupted(WeighbridgeError):
    """Stopped before the end; what was done is kept and the next run goes on from there."""

    exit_code = 4


class StoreDamaged(WeighbridgeError):
    """The store's hash chain or a record in it does not verify."""


class HubChanged(WeighbridgeError):
    """A revision on a hub changed between listing and reading; nothing of it was mixed."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the known word nearest to `word`, or None where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None
