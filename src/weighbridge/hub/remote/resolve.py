"""Resolve a reference on a hub: pin its commit, fetch what is small, read the headers of what is large."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.artefact import Artefact, FileEntry, NotInspected, digest_of_files
from weighbridge.core.shadow import Shadow, WeightFile
from weighbridge.errors import HubUnreachable
from weighbridge.formats.place import quote
from weighbridge.hub.remote.account import declared_bytes
from weighbridge.hub.remote.choice import choose_small, gguf_models, keep_one_model, safetensors_files
from weighbridge.hub.remote.gguf import read_gguf_header
from weighbridge.hub.remote.headers import Headers, in_lanes
from weighbridge.hub.remote.host import fetch_whole
from weighbridge.hub.remote.place import ShadowFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.progress import Advance, Progress
    from weighbridge.core.reference import Reference
    from weighbridge.hub.remote.host import Host
    from weighbridge.hub.remote.listing import Listing, RemoteFile
    from weighbridge.hub.remote.settings import RemoteSettings

__all__ = ["refuse_offline", "resolve_remote"]

_MOST_WEIGHT_FILES = 2000


def resolve_remote(host: Host, reference: Reference, settings: RemoteSettings, progress: Progress) -> Artefact:
    """Pin what `reference` names and read as much of it as an inspection needs, within `settings.budget_bytes`.

    Raises NotFound, UsageError, HubUnreachable or HubChanged. What was read is kept in the cache, so that an
    interrupted or repeated reading goes on from there.
    """
    refuse_offline(settings, reference)
    listing = host.list_files(reference.target, reference.detail)
    if reference.part is not None:
        keep_one_model(listing, reference.part)
    reading = _Reading(host, listing, settings, ShadowFolder(settings, host.kind, listing))
    reading.run(progress)
    host.refuse_moved(listing)
    entries, left_alone = reading.entries(), sorted(reading.left_alone())
    return Artefact(
        reference=reference,
        name=listing.repository,
        digest=digest_of_files(entries),
        files=tuple(entries),
        left_alone=tuple(left_alone),
        root=str(reading.folder.root),
        shadow=reading.shadow(),
    )


def refuse_offline(settings: RemoteSettings, reference: Reference) -> None:
    """Refuse to ask anybody where the environment says so."""
    if settings.is_offline:
        raise HubUnreachable(
            f"{quote(reference.text)} is on a hub, and Weighbridge is told to stay offline",
            hint="unset `WEIGHBRIDGE_OFFLINE` (and `HF_HUB_OFFLINE`), or give a local folder",
        )


@dataclass(slots=True)
class _Reading:
    """One reading of one listing."""

    host: Host
    listing: Listing
    settings: RemoteSettings
    folder: ShadowFolder
    small: dict[str, str] = field(default_factory=dict)
    weights: list[WeightFile] = field(default_factory=list)
    declared: int | None = None

    def run(self, progress: Progress) -> None:
        """Fetch small files, then headers; report in files, and open no bar where nothing is to be read."""
        small = choose_small(self.listing)
        tensors = safetensors_files(self.listing)[:_MOST_WEIGHT_FILES]
        ggufs = self._gguf()
        self.declared = declared_bytes(self.listing.facts, tensors)
        missing = [file for file in small if not self._is_here(file)]
        noted, budget = self.folder.noted()
        wanted = sorted((file.name, file.size) for file in (*tensors, *ggufs))
        is_noted = (
            budget >= self.settings.budget_bytes
            and [(file.name, file.size) for file in noted] == wanted
            and all(self.folder.has(file.name, file.size) for file in noted if file.is_table_read)
        )
        total = len(missing) + (0 if is_noted else len(tensors) + len(ggufs))
        if total:
            with progress("reading", total, "files") as advance:
                for file in missing[:1]:  # alone: the hub may show with it how the others are reached sooner
                    self._fetch(file)
                    advance(1)
                in_lanes(self.host.wire, self._fetch, missing[1:], advance)
                self.weights = noted if is_noted else self._read_weights(tensors, ggufs, noted, advance)
        else:
            self.weights = noted

    def _gguf(self) -> list[RemoteFile]:
        """Return the GGUF files whose tables are read: the parts of one model; 25 quantizations are 25 models."""
        models = gguf_models(self.listing)
        return models[0] if len(models) == 1 else []

    def _read_weights(
        self, tensors: Sequence[RemoteFile], ggufs: Sequence[RemoteFile], noted: Sequence[WeightFile], advance: Advance
    ) -> list[WeightFile]:
        left = max(0, self.settings.budget_bytes - self.host.wire.bytes_read)
        sources = {file.name: "hub" for file in noted if file.source == "hub"}
        headers = Headers(self.host, self.listing, self.folder, left, advance, sources)
        weights = headers.read(tensors, is_counted=self.declared is not None)
        for file in ggufs:
            weights.append(read_gguf_header(self.host, self.listing, self.folder, file))
            advance(1)
        weights.sort()
        self.folder.note(weights, self.settings.budget_bytes)
        return weights

    def _is_here(self, file: RemoteFile) -> bool:
        """Whether an earlier run fetched this very file; notes its SHA-256."""
        data = self.folder.read(file.name, file.size)
        if data is None or not file.is_made_of(data):
            return False
        self.small[file.name] = hashlib.sha256(data).hexdigest()
        return True

    def _fetch(self, file: RemoteFile) -> None:
        """Fetch a small file and keep it."""
        data = fetch_whole(self.host, self.listing, file)
        self.folder.write(file.name, data)
        self.small[file.name] = hashlib.sha256(data).hexdigest()

    def entries(self) -> list[FileEntry]:
        """Return the files whose SHA-256 is known, sorted."""
        known = ((file, self.small.get(name) or file.sha256) for name, file in self.listing.files.items())
        return sorted(FileEntry(file.name, file.size, sha256) for file, sha256 in known if sha256)

    def left_alone(self) -> list[NotInspected]:
        """Return the files that cannot be pinned by a SHA-256, each with its git object id."""
        unknown = [f for name, f in self.listing.files.items() if not f.sha256 and name not in self.small]
        reasons = [
            NotInspected(f.name, f"stays on the hub: {f.size} bytes, git blob {f.git_oid}", f.git_oid) for f in unknown
        ]
        return [*self.listing.left_alone, *reasons]

    def shadow(self) -> Shadow:
        """Say which parts were read."""
        looked_at = {file.name for file in self.weights} | self.small.keys()
        facts = self.listing.facts
        return Shadow(
            hub=self.host.kind,
            repository=self.listing.repository,
            commit=self.listing.commit,
            weights=tuple(sorted(self.weights)),
            unread=tuple(sorted(f.name for f in self.listing.files.values() if f.sha256 and f.name not in looked_at)),
            elements_by_dtype=facts.elements_by_dtype,
            elements=facts.elements,
            declared_bytes=self.declared,
            gated=facts.gated,
            is_private=facts.is_private,
            is_disabled=facts.is_disabled,
            word=self.listing.word,
            wire_bytes=self.host.wire.bytes_read,
            calls=self.host.wire.calls,
        )
