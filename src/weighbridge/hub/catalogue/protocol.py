"""The catalogue of a hub: who publishes what, and at which commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["Catalogue", "Commit", "Entry", "Publisher", "Revision", "Shelf"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One repository as its hub lists it; what the hub does not say is empty or None, never guessed.

    `id` is the hub's own id of the repository, which a rename keeps. `commit` is the head of the default branch.
    `licence` is the tag; with `other`, `licence_name` and `licence_link` say more. `gated` is "" (open), "auto",
    "manual" or "yes". `downloads` counts 30 days, `downloads_all_time` all. `base_models` are (relation, repository).
    `chat_template` is the hub's own reading of the tokenizer's configuration, `config` that of the model's.
    """

    hub: Literal["hf", "ms"]
    repository: str
    id: str = ""
    commit: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    licence: str = ""
    licence_name: str = ""
    licence_link: str = ""
    gated: str = ""
    is_private: bool | None = None
    is_disabled: bool | None = None
    downloads: int | None = None
    downloads_all_time: int | None = None
    likes: int | None = None
    task: str = ""
    library: str = ""
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    base_models: tuple[tuple[str, str], ...] = ()
    parameters: int | None = None
    parameters_by_dtype: tuple[tuple[str, int], ...] = ()

    @property
    def subject(self) -> str:
        """Return the reference without a revision."""
        return f"{self.hub}:{self.repository}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one publisher shows, the last changed first; where it is not `is_complete`, what is absent may be there.

    A listing of several pages may lose a repository that changes between two of them, so ask for its `entry` before
    taking it for gone. `refused` are rows that were not believed, in words: of another publisher, without a name.
    Where it `has_cards` not, what cards alone say (a licence's name and link, languages) is absent from the entries.
    """

    publisher: str
    entries: tuple[Entry, ...]
    is_complete: bool
    calls: int
    refused: tuple[str, ...] = ()
    has_cards: bool = True


@dataclass(frozen=True, slots=True)
class Commit:
    """One entry of a repository's history."""

    id: str
    title: str
    made_at: datetime | None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """The files of one commit, by name, and the hub's scan verdicts (file -> `safe`, `unsafe`, `suspicious`, `queued`).

    `config` and `chat_template` are the hub's own reading of the files, None where it does not say.
    """

    commit: str
    files: dict[str, RemoteFile]
    scans: dict[str, str] = field(default_factory=dict)
    config: dict[str, object] | None = None
    chat_template: str | None = None
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Publisher:
    """What a hub says of an organisation; `is_verified` tells a maker from one who took a like name."""

    name: str
    full_name: str = ""
    is_verified: bool | None = None
    models: int | None = None


class Catalogue(Protocol):
    """One hub, over one connection; every method raises HubUnreachable, NotFound or UsageError (who are you?)."""

    @property
    def calls(self) -> int:
        """Calls made so far, retries included."""
        ...

    def publisher(self, name: str) -> Publisher:
        """Return what the hub says of an organisation (one call)."""
        ...

    def shelf(self, publisher: str, *, most_calls: int = 1) -> Shelf:
        """List the models of a publisher, the last changed first, in at most so many calls."""
        ...

    def entry(self, repository: str) -> Entry:
        """Return one repository (one call, three on ModelScope); a repository that was renamed has its new name.

        One that the hub disabled has `is_disabled` and maybe nothing else. A hub says NotFound of private ones, too.
        """
        ...

    def revision(self, repository: str, commit: str) -> Revision:
        """List the files of a commit, "" for the head of the default branch; raises HubChanged where it is gone."""
        ...

    def history(self, repository: str, *, most: int = 100) -> tuple[Commit, ...]:
        """Return the newest commits of the default branch, newest first; empty where the hub keeps no such list."""
        ...

    def read(self, repository: str, commit: str, file: RemoteFile, *, most_bytes: int) -> bytes:
        """Return a small text file, held against its digest; UsageError where reading it counts as a download."""
        ...
