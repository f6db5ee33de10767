"""Entries, documents and folds: how many nodes come to one conclusion about a route.

Every node appends what it saw to one journal. A fold is a function from a document and the next entries to the next
document; whichever node has time runs it, and puts the result with compare-and-set, the number of the last entry taken
inside. So every entry counts once, in one order, whichever node dies; and an operator's order is an entry like others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Document", "Entry", "EntryKind", "Fold", "Journal", "Notice", "Severity"]

EntryKind = Literal["seen", "pair", "probe", "order", "unreadable"]
"""An observed exchange, a scored pair of shadow answers, a check of identity, an operator's order.

`unreadable` is what the journal returns for a row that is damaged; nobody writes one.
"""

Severity = Literal["info", "warning", "alarm"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was seen on a route; `number` is its place in the journal, 0 until it is written.

    `facts` are JSON values; never a prompt, an answer or a secret. `at` is in seconds since 1970.
    """

    at: float
    route: str
    kind: EntryKind
    facts: Mapping[str, Any]
    number: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What a fold has concluded so far: JSON values, and the number of the last entry that it took.

    A body is never empty, but where what is kept of it cannot be read.

    `version` grows with every change, over all documents; `notices` were raised and not delivered yet.
    """

    name: str
    body: Mapping[str, Any]
    taken: int = 0
    version: int = 0
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a fold wants others to know: an event of the audit log, and where it is severe an alarm.

    `id` is the same whenever and by whichever node it is delivered: name of the document, number of the entry, and
    event. `subject` is the decision of the leg that it is about. `pilot.words` makes words of event and facts where
    they are shown; `why` is the sentence in English, for records and for readers of another version.
    """

    id: str
    at: float
    route: str
    event: str
    severity: Severity
    why: str
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Fold(Protocol):
    """A conclusion that follows a route; equal settings have equal names, and other settings begin anew."""

    @property
    def name(self) -> str:
        """Name the document: room, route, and a digest of the settings (`canary/qwen/5f2c...`)."""
        ...

    @property
    def route(self) -> str:
        """Name the route whose entries are taken."""
        ...

    def begin(self) -> Mapping[str, Any]:
        """Return the body before any entry."""
        ...

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Return the body after these entries, and what is to be told; no clock, no chance: the same for all nodes."""
        ...


class Journal(Protocol):
    """Where entries and documents are kept. Every method raises WeighbridgeError where the database is gone."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries; their numbers grow in the order in which they can be read."""
        ...

    def entries(self, route: str, after: int, most: int) -> list[Entry]:
        """Return the next entries of a route, by number; entries that were forgotten are passed over.

        A row that cannot be read is an entry of kind `unreadable` without facts.
        """
        ...

    def news(self, after: int) -> tuple[int, tuple[str, ...]]:
        """Return the number of the newest entry ever written, and the routes that have entries after `after`."""
        ...

    def document(self, name: str) -> Document | None:
        """Return a document."""
        ...

    def documents(self, since: int = 0) -> tuple[int, tuple[Document, ...]]:
        """Return the newest version, and the documents changed after version `since`, from one moment."""
        ...

    def put(self, document: Document) -> bool:
        """Keep a document if `document.version` is still that of the one kept (0: there is none)."""
        ...

    def put_all(self, documents: Sequence[Document]) -> tuple[int, ...]:
        """Put each as `put` does, in one transaction; the version that each has now, 0 where it was not kept."""
        ...

    def forget(self, before: float, most: int, below: int = 0) -> int:
        """Drop up to `most` entries that were seen before a time or have a number below one, and return how many."""
        ...

    def retire(self, before: float, wanted: Collection[str]) -> tuple[str, ...]:
        """Drop documents that were not changed since a time, bear no notice and are not wanted; return their names."""
        ...
