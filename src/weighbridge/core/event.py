"""Events: what a publisher did to a repository on a hub, between two looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.core.digest import digest_of

if TYPE_CHECKING:
    from datetime import datetime

    from weighbridge.core.finding import Confidence

__all__ = ["EventKind", "EventSeverity", "ReleaseEvent"]

EventKind = Literal[
    "release",  # a repository that was not there
    "new-quantization",  # weights of a model that was there, stored otherwise: a file or a repository of its own
    "weights",
    "config",
    "chat-template",
    "tokenizer",
    "generation-config",
    "code",
    "licence-tag",
    "licence-text",
    "base-model",
    "gating",
    "visibility",  # private, or disabled by the hub
    "card",
    "other-files",
    "rename",
    "deletion",
    "history-rewritten",
]
EventSeverity = Literal["silent", "low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """One change of one repository.

    `subject` is the reference without a revision, as `hf:Qwen/Qwen3-8B`. `before` and `after` hold what differs as
    plain JSON (None where there was nothing, or where it is not known); `commit_before` and `commit` are the pins.
    `seen_at` is when this watch saw it, `created_at` the hub's date of the repository, `announced_at` the maker's own
    date where a listed source states it. `evidence` are addresses or file names that show it, `notes` what limits it.
    """

    kind: EventKind
    subject: str
    before: Any
    after: Any
    severity: EventSeverity
    confidence: Confidence
    seen_at: datetime
    commit_before: str = ""
    commit: str = ""
    created_at: datetime | None = None
    announced_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """Digest of what happened, not of when it was seen: the same change, seen twice, is one event."""
        return digest_of(
            {
                "kind": self.kind,
                "subject": self.subject,
                "before": self.before,
                "after": self.after,
                "commit_before": self.commit_before,
                "commit": self.commit,
            }
        )
