"""The shadow of a remote artefact: which of its bytes were read, and what its hub says of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HubWord", "Shadow", "WeightFile"]


@dataclass(frozen=True, slots=True, order=True)
class WeightFile:
    """A file of weights on a hub (`size` in bytes, as the hub lists it).

    `header_bytes` is where its data begin: 8 + the length of the header in safetensors; None where it was not read,
    and for GGUF, whose tables say themselves what the data take. `is_table_read` says that the local stand-in of
    `size` bytes begins with the whole header, so that the format's reader can read it; the rest is a hole.
    `source` says where the header comes from: the file's own bytes, or the hub's account of them.
    """

    name: str
    size: int
    header_bytes: int | None
    is_table_read: bool
    source: Literal["bytes", "hub"] = "bytes"


@dataclass(frozen=True, slots=True)
class HubWord:
    """What a hub says of a revision and its publisher, on its word alone; empty or None where it does not say.

    `repository` is its present name, which a renamed one does not share with the reference. `created_at` is RFC 3339.
    `base_models` are (relation, repository), `issues` are (file, verdict) of the hub's own scanners, and `is_scanned`
    whether these are through.
    """

    repository: str = ""
    licence: str = ""
    created_at: str = ""
    base_models: tuple[tuple[str, str], ...] = ()
    is_scanned: bool | None = None
    issues: tuple[tuple[str, str], ...] = ()
    is_publisher_verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Shadow:
    """What was read of an artefact that stayed on its hub.

    `unread` are pinned files (the hub gives their SHA-256) of which no byte was read. `elements_by_dtype` and
    `elements` are the hub's own count of safetensors elements, packed ones as they are stored. `declared_bytes` are
    the bytes that this count takes, given only where the sizes of the files leave room for headers and no more.
    `gated` is what the hub says: "" (open), "auto", "manual" or "yes". `wire_bytes` and `calls` are what this
    reading cost; they tell nothing about the model, and two readings of one revision are equal without them.
    """

    hub: str
    repository: str
    commit: str
    weights: tuple[WeightFile, ...] = ()
    unread: tuple[str, ...] = ()
    elements_by_dtype: tuple[tuple[str, int], ...] = ()
    elements: int | None = None
    declared_bytes: int | None = None
    gated: str = ""
    is_private: bool = False
    is_disabled: bool = False
    word: HubWord = HubWord()
    wire_bytes: int = field(default=0, compare=False)
    calls: int = field(default=0, compare=False)

    @property
    def download(self) -> str:
        """The command that fetches the whole of this very revision, verified, into `downloaded`."""
        return f"weighbridge mirror {self.hub}:{self.repository}@{self.commit} --to ./models"

    @property
    def downloaded(self) -> str:
        """The folder in which the revision stands after `download`."""
        return f"./models/{self.hub}/{self.repository}/{self.commit}"

    def stored_bytes(self, names: Iterable[str]) -> int | None:
        """Return the exact bytes of all tensors in these safetensors files, None where one header's length is unknown.

        The format keeps its data dense from the end of the header to the end of the file: size - 8 - length.
        """
        known = {file.name: file.size - file.header_bytes for file in self.weights if file.header_bytes is not None}
        wanted = list(names)
        return sum(known[name] for name in wanted) if wanted and all(name in known for name in wanted) else None

    def declared_bytes_of(self, names: Iterable[str]) -> int | None:
        """Return `declared_bytes` where these are all the safetensors files that it speaks of, else None."""
        counted = {file.name for file in self.weights if file.name.endswith(".safetensors")}
        return self.declared_bytes if set(names) == counted else None
