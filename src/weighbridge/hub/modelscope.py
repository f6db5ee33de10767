"""ModelScope (`MODELSCOPE_ENDPOINT`): `ms:maker/model[@revision]`; its default branch is `master`.

Interface: modelscope_hub 0.5.1 as its client. Every file has a SHA-256 here, and no call names the commit of a branch:
it is found among the files, each of which names the commit that touched it last.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from weighbridge.core.artefact import NotInspected
from weighbridge.errors import (
    BadReference,
    HubChanged,
    HubUnreachable,
    NotFound,
    UsageError,
    WeighbridgeError,
)
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.modelscope_row import hub_word
from weighbridge.hub.remote.host import fetch_json
from weighbridge.hub.remote.listing import Facts, Listing, RemoteFile, sort_files
from weighbridge.hub.remote.resolve import refuse_offline, resolve_remote
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.hub.remote.wire import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Progress
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import DigestCache

__all__ = ["VARIABLE", "ModelScope", "ModelScopeHub", "model_scope_settings"]

VARIABLE, _ENDPOINT = "MODELSCOPE_ENDPOINT", "https://modelscope.cn"
_TOKENS = ("MODELSCOPE_API_TOKEN", "MODELSCOPE_TOKEN")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_COMMIT, _SHORT = re.compile("[0-9a-f]{40}"), re.compile("[0-9a-f]{7,40}")
_BRANCH = "master"
_LISTED = 3000  # a listing ends here, and does not say so
_FORBIDDEN = 403


def model_scope_settings() -> RemoteSettings:
    """Read from the environment where the hub is and who asks, as its own clients do."""
    return RemoteSettings.here(VARIABLE, _ENDPOINT, *_TOKENS)


class ModelScopeHub:
    """Reads what an inspection needs, and no more; the token (`MODELSCOPE_API_TOKEN`) stays with the hub."""

    def __init__(self, settings: RemoteSettings | None = None) -> None:
        self._settings = settings or model_scope_settings()

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:  # noqa: ARG002 - the shape of Hub
        """Pin a revision and read its small files and headers; raises NotFound, UsageError or HubUnreachable."""
        refuse_offline(self._settings, reference)
        with Wire(self._settings.endpoint, self._settings.token) as wire:
            return resolve_remote(ModelScope(wire), reference, self._settings, progress)


class ModelScope:
    """The hub's interface over one wire (see `remote.host.Host`)."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._revision = _BRANCH
        self._tip = ""

    @property
    def kind(self) -> Literal["ms"]:
        """How references name this hub."""
        return "ms"

    def list_files(self, repository: str, revision: str | None) -> Listing:
        """List the files of a revision (one call) and find its commit; ask once more for gating."""
        if not _REPOSITORY.fullmatch(repository) or ".." in f"{repository}/{revision or ''}":
            raise BadReference(f"{quote(repository)} is not a repository's name", hint="write `ms:maker/model`")
        said = self._facts(repository)
        listing = self.list_revision(repository, revision, Facts.read(said))
        listing.word = hub_word(said | {"id": said.get("id") or repository}, self._older(repository))
        return listing

    def list_revision(self, repository: str, revision: str | None, facts: Facts) -> Listing:
        """List the files of a revision (one call) and find its commit."""
        self._revision = revision or _BRANCH
        rows, self._tip = self._rows(repository)
        listing = Listing(repository, _commit(rows, self._tip, self._revision), facts)
        if len(rows) >= _LISTED:
            listing.left_alone.append(NotInspected(".", f"the hub lists {_LISTED} files and folders, and not the rest"))
        sort_files(_files(rows), listing)
        return listing

    def addresses(self, listing: Listing, file: RemoteFile) -> tuple[str, ...]:
        """Return where a file is read: at its commit where that is known in full, else on its branch."""
        revision = listing.commit if _COMMIT.fullmatch(listing.commit) else self._revision
        query = urlencode({"Revision": revision, "FilePath": file.name})
        return (f"{self.wire.endpoint}/api/v1/models/{listing.repository}/repo?{query}",)

    def learn(self, answer: Answer) -> None:
        """Need nothing: small files are answered without a redirect."""

    def refuse(self, listing: Listing, file: RemoteFile, answer: Answer) -> WeighbridgeError:
        """Return the error for a file that is not given."""
        if answer.status == 404:  # noqa: PLR2004 - not found
            return HubChanged(f"{quote(file.name)} was listed and is gone", hint="run it again; nothing was mixed")
        return self.error_of(listing.repository, answer)

    def account_of_tables(
        self,
        listing: Listing,  # noqa: ARG002 - the shape of Host
        most_sent: int,  # noqa: ARG002 - the shape of Host
        *,
        is_doubtful: bool,  # noqa: ARG002 - the shape of Host
    ) -> dict[str, Any] | None:
        """Return None: this hub keeps no copy of headers."""
        return None

    def refuse_moved(self, listing: Listing) -> None:
        """List once more: headers have no digest of their own, and a branch may have moved while they were read."""
        if self._rows(listing.repository)[1] != self._tip:
            raise HubChanged(
                f"{quote(listing.repository)} moved on while it was read", hint="run it again; nothing was mixed"
            )

    def _facts(self, repository: str) -> dict[str, Any]:
        """Return what the newer interface says of a repository."""
        answer, value = fetch_json(self.wire, f"/openapi/v1/models/{repository}", VARIABLE)
        if not answer.is_good:
            raise self.error_of(repository, answer)
        data = value.get("data") if isinstance(value, dict) else None
        return data if isinstance(data, dict) else {}

    def _older(self, repository: str) -> dict[str, Any]:
        """Return what the older interface says, which alone knows base models; nothing where it does not answer."""
        try:
            value = fetch_json(self.wire, f"/api/v1/models/{repository}", VARIABLE)[1]
        except WeighbridgeError:  # nothing else of an inspection depends on it
            return {}
        data = value.get("Data") if isinstance(value, dict) else None
        return data if isinstance(data, dict) else {}

    def _rows(self, repository: str) -> tuple[list[dict[str, Any]], str]:
        """Return the rows of the listing, and the short id of the latest commit."""
        query = urlencode({"Revision": self._revision, "Recursive": "true"})
        path = f"/api/v1/models/{repository}/repo/files?{query}"
        answer, value = fetch_json(self.wire, path, VARIABLE)
        if answer.status == _FORBIDDEN:  # it says so now and then of repositories that can be read
            answer, value = fetch_json(self.wire, path, VARIABLE)
        if not answer.is_good:
            raise self.error_of(repository, answer)
        data = value.get("Data") if isinstance(value, dict) else None
        files = data.get("Files") if isinstance(data, dict) else None
        if not isinstance(files, list):
            raise WeighbridgeError(f"the hub lists {quote(repository)} without a list")
        latest = data.get("LatestCommitter") if isinstance(data, dict) else None
        short = (latest.get("Id") or latest.get("ShortId")) if isinstance(latest, dict) else None
        return [row for row in files if isinstance(row, dict)], short if isinstance(short, str) else ""

    def error_of(self, repository: str, answer: Answer) -> WeighbridgeError:
        """Say what a refusal means and what to do."""
        name = quote(f"ms:{repository}")
        if answer.status in {401, _FORBIDDEN}:
            return UsageError(
                f"{name} is gated or private", hint="ask for access on its page and set `MODELSCOPE_API_TOKEN`"
            )
        if answer.status == 404:  # noqa: PLR2004 - not found
            hint = "look at the spelling and the revision (the default is `master`)"
            return NotFound(f"{name} was not found", hint=f"{hint}; if it is private, set `MODELSCOPE_API_TOKEN`")
        return HubUnreachable(f"the hub refuses {name}: HTTP {answer.status}")


def _commit(rows: list[dict[str, Any]], tip: str, revision: str) -> str:
    """Return the full id of the listed commit where a file or the revision names it, else the short one."""
    if not _SHORT.fullmatch(tip):
        raise WeighbridgeError("the hub does not say which commit it lists")
    named = [revision, *(str(row.get("Revision")) for row in rows)]
    return next((full for full in named if _COMMIT.fullmatch(full) and full.startswith(tip)), tip)


def _files(rows: list[dict[str, Any]]) -> Iterator[RemoteFile]:
    """Yield the files among the rows; what is missing or of a wrong type is refused when files are sorted."""
    for row in rows:
        if row.get("Type") == "tree":
            continue
        name, size = row.get("Path"), row.get("Size")
        if not isinstance(name, str):
            raise WeighbridgeError("the hub lists a file without a name")
        sha256 = str(row.get("Sha256") or "").lower()
        is_apart = row.get("IsLFS") is True
        yield RemoteFile(name, size if type(size) is int else -1, sha256, "", is_stored_apart=is_apart)
