"""What Hugging Face says of publishers and repositories, by its `/api` alone: no call here counts as a download.

Interface: https://huggingface.co/docs/hub/api, and huggingface_hub 2.4.0 as its client. A server that speaks only a
part of it (an older mirror) is asked with less; what it does not say stays unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote as percent

from weighbridge.errors import HubChanged, HubUnreachable, NotFound
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.asking import ask_hub, check_named, check_publisher, check_readable, check_repository
from weighbridge.hub.catalogue.fields import commit_in, flag_in, moment_in, text_in, texts_in
from weighbridge.hub.catalogue.huggingface_row import read_chat_template, read_config, read_entry, read_scans
from weighbridge.hub.catalogue.protocol import Commit, Entry, Publisher, Revision, Shelf
from weighbridge.hub.catalogue.sorting import sort_rows
from weighbridge.hub.huggingface import VARIABLE, HuggingFace, next_page
from weighbridge.hub.remote.host import Unreadable, fetch_whole
from weighbridge.hub.remote.listing import Listing, count_of, sort_files

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import RemoteFile
    from weighbridge.hub.remote.settings import RemoteSettings
    from weighbridge.hub.remote.wire import Answer, Wire

__all__ = ["HuggingFaceCatalogue"]

_FIELDS = (
    "sha", "createdAt", "lastModified", "gated", "private", "disabled", "downloads", "downloadsAllTime", "likes",
    "tags", "pipeline_tag", "library_name", "cardData", "baseModels", "safetensors",
)  # fmt: skip
_OF_ONE = ("sha", "config", "gguf", "library_name")
_PAGE, _PLAIN_PAGE, _LITTLE_PAGE = 1000, 500, 100
_LONGEST_TITLE, _MOST_AUTHORS = 500, 20
_BAD_REQUEST, _MISSING = 400, 404


class HuggingFaceCatalogue:
    """One hub over one wire (see `protocol.Catalogue`)."""

    def __init__(self, wire: Wire, settings: RemoteSettings) -> None:
        self._wire = wire
        self._host = HuggingFace(wire, settings, suggests=False)
        self._libraries: dict[str, str] = {}
        self._is_plain = False  # whether the server was found not to know `expand`

    @property
    def hub(self) -> Literal["hf"]:
        """How references name this hub."""
        return "hf"

    @property
    def calls(self) -> int:
        """Calls made so far, retries included."""
        return self._wire.calls

    def publisher(self, name: str) -> Publisher:
        """Return what the hub says of an organisation, or (a second call) of a person."""
        check_publisher(name)
        for kind in ("organizations", "users"):
            answer, value = ask_hub(self._wire, f"/api/{kind}/{percent(name, safe='')}/overview", VARIABLE)
            if answer.status != _MISSING:
                break
        if not answer.is_good:
            raise self._refusal(f"publisher {quote(name)}", answer)
        said = value if isinstance(value, dict) else {}
        return Publisher(
            name=name,
            full_name=text_in(said.get("fullname")),
            is_verified=flag_in(said.get("isVerified")),
            models=count_of(said.get("numModels")),
        )

    def shelf(self, publisher: str, *, most_calls: int = 1) -> Shelf:
        """List the models of a publisher, the last changed first.

        `most_calls` bounds the pages of up to 1,000; a server that cannot answer in full is asked once more for less.
        """
        check_publisher(publisher)
        before, rows, cursor = self.calls, list[Any](), ""
        fields: tuple[str, ...] = _FIELDS
        size = _PAGE
        for number in range(max(1, most_calls)):
            try:
                page, following = self._page(publisher, fields, size, cursor)
            except Unreadable:
                if number:
                    break  # what was read is true, if not all
                # one card that cannot be read hides all others, so cards are left out
                fields, size = tuple(name for name in _FIELDS if name != "cardData"), _LITTLE_PAGE
                page, following = self._page(publisher, fields, size, cursor)
            rows += page
            if following == cursor:
                break
            cursor = following
            if not cursor:
                break
        entries, refused = sort_rows(publisher, rows, read_entry)
        for entry in entries:
            self._libraries[entry.repository] = entry.library
        return Shelf(
            publisher,
            entries,
            is_complete=not cursor,
            calls=self.calls - before,
            refused=refused,
            has_cards="cardData" in fields,
        )

    def entry(self, repository: str) -> Entry:
        """Return one repository (one call); one that was renamed comes under its new name.

        Of a repository that the hub has disabled it says no more than that.
        """
        check_repository(repository)
        answer, row = self._info(repository, "", _FIELDS)
        if not answer.is_good:
            if "disabled" in answer.header("x-error-message"):
                return Entry("hf", repository, is_disabled=True)
            raise self._host.error_of(repository, None, answer)
        entry = read_entry(row) if isinstance(row, dict) else None
        if entry is None:
            raise HubUnreachable(f"the hub describes {quote(repository)} without its name")
        check_named(repository, entry.repository, answer)
        self._libraries[entry.repository] = entry.library
        return entry

    def revision(self, repository: str, commit: str) -> Revision:
        """List the files of a commit, "" for the head, in one call and one a thousand; HubChanged where it is gone.

        One call more goes to a server that leaves out the scans.
        """
        check_repository(repository)
        answer, info = self._info(repository, commit, _OF_ONE, also="securityStatus=true")
        if answer.header("x-error-code") == "RevisionNotFound":
            raise HubChanged(f"{quote(repository)} has no commit {quote(commit)} any more", hint="run it again")
        if not answer.is_good:
            raise self._host.error_of(repository, commit, answer)
        info = info if isinstance(info, dict) else {}
        found = commit_in(info.get("sha"))
        if not found or (commit and found != commit):
            raise HubChanged(f"the hub answers for {quote(repository)} at {quote(commit)} with another commit")
        listing = Listing(repository, found)
        sort_files(self._host.tree(listing), listing)
        self._libraries[repository] = text_in(info.get("library_name"))
        scans = read_scans(info, tuple(listing.files))
        if scans is None and not self._is_plain:
            scans = read_scans(self._status(repository, found), tuple(listing.files))
        return Revision(
            commit=found,
            files=listing.files,
            scans=scans or {},
            config=read_config(info),
            chat_template=read_chat_template(info),
            is_complete=not listing.left_alone,
        )

    def history(self, repository: str, *, most: int = 100) -> tuple[Commit, ...]:
        """Return the newest commits of the default branch, newest first (one call a page)."""
        check_repository(repository)
        path, query = f"/api/models/{repository}/commits/main", "limit=100"
        found: dict[str, Commit] = {}
        while True:
            answer, rows = ask_hub(self._wire, f"{path}?{query}", VARIABLE)
            if not answer.is_good:
                raise self._host.error_of(repository, None, answer)
            if not isinstance(rows, list):
                raise HubUnreachable(f"the hub gives the history of {quote(repository)} without a list")
            known = len(found)
            for row in rows:
                commit = _commit(row)
                if commit:
                    found.setdefault(commit.id, commit)
            query = next_page(answer)
            if not query or len(found) >= most or len(found) == known:
                return tuple(found.values())[:most]

    def read(self, repository: str, commit: str, file: RemoteFile, *, most_bytes: int) -> bytes:
        """Return a small text file, held against its digest; UsageError where reading it counts as a download."""
        check_repository(repository)
        check_readable(file, "", most_bytes)
        if repository not in self._libraries:
            self.entry(repository)  # what counts depends on the library, too
        check_readable(file, self._libraries.get(repository, ""), most_bytes)
        return fetch_whole(self._host, Listing(repository, commit), file)

    def _page(self, publisher: str, fields: tuple[str, ...], size: int, cursor: str) -> tuple[list[Any], str]:
        """Return the rows of one page, and the query of the next; an empty one where there is none."""
        is_plain = self._is_plain
        asked = _expand(fields)
        if is_plain:
            size, asked = min(size, _PLAIN_PAGE), "full=true" + "&cardData=true" * ("cardData" in fields)
        query = f"author={percent(publisher, safe='')}&limit={size}&sort=lastModified&direction=-1&{asked}"
        answer, rows = ask_hub(self._wire, f"/api/models?{cursor or query}", VARIABLE)
        if answer.status == _BAD_REQUEST and not is_plain and not cursor:
            self._is_plain = True  # or it does not give pages of this size
            return self._page(publisher, fields, size, cursor)
        if not answer.is_good:
            raise self._refusal(f"the models of {quote(publisher)}", answer)
        if not isinstance(rows, list):
            raise HubUnreachable(f"the hub lists the models of {quote(publisher)} without a list")
        return rows, next_page(answer)

    def _info(self, repository: str, revision: str, fields: tuple[str, ...], also: str = "") -> tuple[Answer, Any]:
        """Ask about a repository, or one revision of it; without `expand` where the server does not know it."""
        path = f"/api/models/{repository}" + (f"/revision/{percent(revision, safe='')}" if revision else "")
        if not self._is_plain:
            answer, value = ask_hub(self._wire, f"{path}?{_expand(fields)}{'&' if also else ''}{also}", VARIABLE)
            if answer.status != _BAD_REQUEST:
                return answer, value
            self._is_plain = True
        return ask_hub(self._wire, f"{path}?{also}", VARIABLE)

    def _status(self, repository: str, commit: str) -> dict[str, Any]:
        """Ask for the scans alone; a hub that keeps none says nothing."""
        answer, value = ask_hub(self._wire, f"/api/models/{repository}/revision/{commit}?securityStatus=true", VARIABLE)
        return value if answer.is_good and isinstance(value, dict) else {}

    def _refusal(self, what: str, answer: Answer) -> NotFound:
        """Say what a refusal means where no repository is asked for."""
        if answer.status == _MISSING:
            return NotFound(f"{what}: the hub knows no such name", hint="look at the spelling")
        return HubUnreachable(f"the hub refuses {what}: HTTP {answer.status}")


def _expand(fields: tuple[str, ...]) -> str:
    return "&".join(f"expand={name}" for name in fields)


def _commit(row: Any) -> Commit | None:
    """Read one row of a history; None where it names no commit."""
    if not isinstance(row, dict) or not (id_ := commit_in(row.get("id"))):
        return None
    authors = row.get("authors")
    names = [author.get("user") for author in authors if isinstance(author, dict)] if isinstance(authors, list) else []
    title = row.get("title")
    line = " ".join(title.split())[:_LONGEST_TITLE] if isinstance(title, str) else ""
    return Commit(id_, text_in(line, _LONGEST_TITLE), moment_in(row.get("date")), texts_in(names, _MOST_AUTHORS))
