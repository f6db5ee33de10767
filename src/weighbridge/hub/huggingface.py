"""Hugging Face, and any server that speaks its interface (`HF_ENDPOINT`): `hf:maker/model[@revision]`.

Interface: https://huggingface.co/docs/hub/api, and huggingface_hub 2.4.0 as its client.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote as percent
from urllib.parse import urlsplit

from weighbridge.errors import (
    BadReference,
    DamagedFile,
    HubChanged,
    HubUnreachable,
    NotFound,
    UsageError,
    WeighbridgeError,
    did_you_mean,
)
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.hub.catalogue.huggingface_row import hub_word
from weighbridge.hub.remote.host import fetch_json
from weighbridge.hub.remote.listing import Facts, Listing, RemoteFile, sort_files
from weighbridge.hub.remote.resolve import refuse_offline, resolve_remote
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.hub.remote.wire import Answer, Ask, TooLong, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Progress
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import DigestCache

__all__ = ["VARIABLE", "HuggingFace", "HuggingFaceHub", "hugging_face_settings", "next_page"]

VARIABLE, _ENDPOINT = "HF_ENDPOINT", "https://huggingface.co"
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_EXPAND = ("sha", "gated", "private", "disabled", "safetensors", "tags", "createdAt", "baseModels")
_MAX_TABLES = 48 << 20
_MAX_PAGES = 2000  # of a listing: a server may send fewer files a page than the hub's 1,000
_MAX_SUGGESTIONS = 200
_INDEX = "model.safetensors.index.json"
_NEXT = re.compile(r'<([^<>]{1,4096})>\s*;\s*rel="?next"?')
_BAD_REQUEST, _UNAUTHORISED, _FORBIDDEN, _GONE = 400, 401, 403, 410
_CACHED = "/api/resolve-cache/models/"


def hugging_face_settings() -> RemoteSettings:
    """Read from the environment where the hub is and who asks, as its own clients do."""
    return RemoteSettings.here(VARIABLE, _ENDPOINT, *_TOKENS)


class HuggingFaceHub:
    """Reads what an inspection needs, and no more; the token (`HF_TOKEN`) never leaves the hub's own origin."""

    def __init__(self, settings: RemoteSettings | None = None) -> None:
        self._settings = settings or hugging_face_settings()

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:  # noqa: ARG002 - the shape of Hub
        """Pin a revision and read its small files and headers; raises NotFound, UsageError or HubUnreachable."""
        refuse_offline(self._settings, reference)
        with Wire(self._settings.endpoint, self._settings.token) as wire:
            return resolve_remote(HuggingFace(wire, self._settings), reference, self._settings, progress)


class HuggingFace:
    """The hub's interface over one wire (see `remote.host.Host`); it may look for names like one that is missing."""

    def __init__(self, wire: Wire, settings: RemoteSettings, *, suggests: bool = True) -> None:
        self.wire = wire
        self._settings = settings
        self._suggests = suggests
        self._is_cached_known = False
        self._branch_head = ""

    @property
    def kind(self) -> Literal["hf"]:
        """How references name this hub."""
        return "hf"

    def list_files(self, repository: str, revision: str | None) -> Listing:
        """Pin a revision to its commit (one call) and list its files (one call a thousand files)."""
        if not _REPOSITORY.fullmatch(repository) or ".." in f"{repository}/{revision or ''}":
            raise BadReference(f"{quote(repository)} is not a repository's name", hint="write `hf:maker/model`")
        info = self.info(repository, revision)
        commit = info.get("sha")
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise WeighbridgeError(f"the hub names no commit for {quote(repository)}")
        if info.get("disabled") is True:
            raise NotFound(f"{quote(repository)} is disabled on the hub", hint="its publisher or the hub took it down")
        listing = Listing(repository, commit, Facts.read(info), hub_word(info, self._is_verified(repository)))
        if revision in {None, "main"}:
            self._branch_head = commit
        sort_files(self.tree(listing), listing)
        return listing

    def addresses(self, listing: Listing, file: RemoteFile) -> tuple[str, ...]:
        """Return where a file is read; once the hub showed where its small files are, that saves a redirect each."""
        name, commit, repository = percent(file.name), listing.commit, listing.repository
        sure = f"{self.wire.endpoint}/{repository}/resolve/{commit}/{name}"
        if self._is_cached_known and not file.is_stored_apart:
            return f"{self.wire.endpoint}{_CACHED}{repository}/{commit}/{name}", sure
        return (sure,)

    def learn(self, answer: Answer) -> None:
        """See whether the hub keeps small files where `_CACHED` says."""
        if answer.is_good and answer.url.startswith(f"{self.wire.endpoint}{_CACHED}"):
            self._is_cached_known = True

    def refuse(self, listing: Listing, file: RemoteFile, answer: Answer) -> WeighbridgeError:
        """Return the error for a file that is not given."""
        if answer.header("x-error-code") == "EntryNotFound" or answer.header("x-error-code") == "RevisionNotFound":
            return HubChanged(f"{quote(file.name)} was listed and is gone", hint="run it again; nothing was mixed")
        return self.error_of(listing.repository, listing.commit, answer)

    def account_of_tables(self, listing: Listing, most_sent: int, *, is_doubtful: bool) -> dict[str, Any] | None:
        """Ask for all headers at once; the hub keeps them for the head of `main` alone."""
        if listing.commit != self._branch_head or _INDEX not in listing.files:
            return None
        url = f"{self.wire.endpoint}/api/models/{listing.repository}/safetensors-metadata/{_INDEX}"
        try:
            if is_doubtful:  # a body that is broken off fills buffers on the way
                head = self.wire.get(Ask(url, most=0, method="HEAD", is_packed=True)).header("content-length")
                if head.isdigit() and int(head) > most_sent:
                    return None
            answer = self.wire.get(Ask(url, most=_MAX_TABLES, is_packed=True, most_sent=most_sent))
            value = parse_json(answer.body, url, max_bytes=_MAX_TABLES) if answer.is_good else None
        except (TooLong, DamagedFile, HubUnreachable):
            return None
        headers = value.get("headers") if isinstance(value, dict) else None
        # it was asked for `main`, which may have moved since
        if not isinstance(headers, dict) or self.info(listing.repository, "main").get("sha") != listing.commit:
            return None
        return headers

    def refuse_moved(self, listing: Listing) -> None:
        """Need nothing: every address names the commit."""

    def info(self, repository: str, revision: str | None) -> dict[str, Any]:
        """Return what the hub says of a revision; a server that does not know `expand` is asked without it."""
        path = f"/api/models/{repository}" + (f"/revision/{percent(revision, safe='')}" if revision else "")
        expand = "&".join(f"expand={name}" for name in _EXPAND)
        for query in (f"?{expand}&securityStatus=true", ""):
            answer, value = fetch_json(self.wire, f"{path}{query}", VARIABLE, of_strangers=True)
            if answer.status != _BAD_REQUEST:
                break
        if not answer.is_good:
            raise self.error_of(repository, revision, answer)
        if not isinstance(value, dict):
            raise WeighbridgeError(f"the hub describes {quote(repository)} without an object")
        return value

    def _is_verified(self, repository: str) -> bool | None:
        """Return whether the hub has verified the organisation (one call); None for people, and where it is silent."""
        path = f"/api/organizations/{percent(repository.partition('/')[0])}/overview"
        try:
            said = fetch_json(self.wire, path, VARIABLE)[1]
        except WeighbridgeError:  # nothing else of an inspection depends on it
            return None
        verified = said.get("isVerified") if isinstance(said, dict) else None
        return verified if isinstance(verified, bool) else None

    def tree(self, listing: Listing) -> Iterator[RemoteFile]:
        """Yield all files of a commit, page after page; the next page is looked for at this endpoint only."""
        path = f"/api/models/{listing.repository}/tree/{listing.commit}"
        query = "recursive=true"
        for _ in range(_MAX_PAGES):
            answer, page = fetch_json(self.wire, f"{path}?{query}", VARIABLE)
            if not answer.is_good:
                raise self.error_of(listing.repository, listing.commit, answer)
            if not isinstance(page, list):
                raise WeighbridgeError(f"the hub lists {quote(listing.repository)} without a list")
            for entry in page:
                if isinstance(entry, dict) and entry.get("type") == "file":
                    yield _file(entry)
            query = next_page(answer)
            if not query:
                return
        raise BadReference(f"{quote(listing.repository)} is listed on more than {_MAX_PAGES} pages")

    def error_of(self, repository: str, revision: str | None, answer: Answer) -> WeighbridgeError:
        """Say what a refusal means and what to do; a hub says the same of a missing and of a private repository."""
        code, said = answer.header("x-error-code"), answer.header("x-error-message")
        name = f"hf:{repository}"
        if code == "GatedRepo":
            page = f"{self.wire.endpoint}/{repository}"
            have = "the token in `HF_TOKEN` has no access" if self._settings.token else "no token is given"
            return UsageError(
                f"{quote(name)} is gated, and {have}", hint=f"accept its terms at {page} and set `HF_TOKEN`"
            )
        if "disabled" in said:
            return NotFound(f"{quote(name)} is disabled on the hub", hint="its publisher or the hub took it down")
        if code == "RevisionNotFound":
            return NotFound(
                f"{quote(name)} has no revision {quote(revision or 'main')}",
                hint=f"leave the revision out, or look at {self.wire.endpoint}/{repository}/commits",
            )
        if code == "RepoNotFound" or answer.status in {_UNAUTHORISED, _FORBIDDEN, 404, _GONE}:
            token = "" if self._settings.token else "; if it is private, set `HF_TOKEN`"
            return NotFound(
                f"{quote(name)} was not found",
                hint=((self._suggests and self._nearest(repository)) or "look at the spelling") + token,
            )
        return HubUnreachable(f"the hub refuses {quote(name)}: HTTP {answer.status} {quote(said)}")

    def _nearest(self, repository: str) -> str | None:
        """Return a hint that names the maker's model that is spelt most like it (one call)."""
        maker = repository.partition("/")[0]
        path = f"/api/models?author={percent(maker)}&limit={_MAX_SUGGESTIONS}&sort=downloads"
        try:
            rows = fetch_json(self.wire, path, VARIABLE)[1]
        except (HubUnreachable, TooLong):
            return None
        rows = rows if isinstance(rows, list) else []
        names = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
        known = [f"hf:{name}" for name in names if _REPOSITORY.fullmatch(name)]
        return did_you_mean(f"hf:{repository}", known)


def next_page(answer: Answer) -> str:
    """Return the query of the next page of a listing, nothing after the last; its host is not looked at."""
    found = _NEXT.search(answer.header("link"))
    return urlsplit(found[1]).query if found else ""


def _file(entry: dict[str, Any]) -> RemoteFile:
    """Read one row of a listing; what is missing or of a wrong type is refused when files are sorted."""
    stored = entry.get("lfs")
    name = entry.get("path")
    if not isinstance(name, str):
        raise WeighbridgeError("the hub lists a file without a name")
    size, oid = entry.get("size"), entry.get("oid")
    if isinstance(stored, dict):
        sha256 = stored.get("oid") or stored.get("sha256")
        size = stored.get("size", size)
        return RemoteFile(name, size if type(size) is int else -1, str(sha256), str(oid), is_stored_apart=True)
    return RemoteFile(name, size if type(size) is int else -1, "", str(oid))
