"""What ModelScope says of publishers and repositories.

Interface: modelscope_hub 0.5.1 as its client. Its newer interface (`/openapi/v1`) lists and describes, the older one
(`/api/v1`) alone knows the base models, and the list of files alone the commit. There is no list of commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from weighbridge.errors import HubChanged, HubUnreachable, NotFound, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.asking import ask_hub, check_named, check_publisher, check_readable, check_repository
from weighbridge.hub.catalogue.fields import repository_in
from weighbridge.hub.catalogue.modelscope_row import read_entry
from weighbridge.hub.catalogue.protocol import Commit, Entry, Publisher, Revision, Shelf
from weighbridge.hub.catalogue.sorting import sort_rows
from weighbridge.hub.modelscope import VARIABLE, ModelScope
from weighbridge.hub.remote.host import fetch_whole
from weighbridge.hub.remote.listing import Facts, Listing, count_of

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import RemoteFile
    from weighbridge.hub.remote.wire import Wire

__all__ = ["ModelScopeCatalogue"]

_PAGE, _SURE_PAGE = 1000, 50  # what is asked for, and what its own client asks for
_LISTED = 3000  # a listing of an owner's models ends here
_FULL_COMMIT = 40
_BAD_REQUEST, _MISSING = 400, 404


class ModelScopeCatalogue:
    """One hub over one wire (see `protocol.Catalogue`)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._host = ModelScope(wire)
        self._page_size = _PAGE

    @property
    def hub(self) -> Literal["ms"]:
        """How references name this hub."""
        return "ms"

    @property
    def calls(self) -> int:
        """Calls made so far, retries included."""
        return self._wire.calls

    def publisher(self, name: str) -> Publisher:
        """Return how many models a publisher shows: this hub says no more of one, nor whether it is verified."""
        check_publisher(name)
        _, total = self._page(name, 1, 1)
        return Publisher(name, models=total)

    def shelf(self, publisher: str, *, most_calls: int = 1) -> Shelf:
        """List the models of a publisher, the last changed first; the hub shows 3,000 at most, and no commits.

        `most_calls` bounds the pages; a server that refuses pages of 1,000 is asked once more, for less.
        """
        check_publisher(publisher)
        before, rows, number, total = self.calls, list[Any](), 1, None
        size = self._page_size
        while number == 1 or (number <= most_calls and number * size <= _LISTED):
            page, total = self._page(publisher, number, size)
            rows += page
            if not page or total is None or len(rows) >= total:
                break
            size = len(page) if number == 1 else size  # the hub may give less than is asked for
            number += 1
        entries, refused = sort_rows(publisher, rows, read_entry)
        is_complete = total is not None and len(rows) >= total
        return Shelf(publisher, entries, is_complete=is_complete, calls=self.calls - before, refused=refused)

    def entry(self, repository: str) -> Entry:
        """Return one repository (three calls): described, with its base models, and with its commit.

        Base models and commit stay unknown where the hub does not give them.
        """
        check_repository(repository)
        answer, value = ask_hub(self._wire, f"/openapi/v1/models/{repository}", VARIABLE)
        if not answer.is_good:
            raise self._host.error_of(repository, answer)
        row = _data(value, "data")
        named = repository_in(row.get("id"))
        named = named or repository
        check_named(repository, named, answer)
        answer, value = ask_hub(self._wire, f"/api/v1/models/{named}", VARIABLE)
        entry = read_entry(row | {"id": named}, _data(value, "Data") if answer.is_good else {}, self._tip(named))
        if entry is None:
            raise HubUnreachable(f"the hub describes {quote(repository)} without its name")
        return entry

    def revision(self, repository: str, commit: str) -> Revision:
        """List the files of a commit ("" for the head of `master`; one call); HubChanged where it is gone.

        The hub gives no verdicts of scans, and no reading of configurations. It lists 3,000 files at most.
        """
        check_repository(repository)
        named = commit if len(commit) == _FULL_COMMIT else ""  # a short id is none that it can be asked for
        try:
            listing = self._host.list_revision(repository, named or None, Facts())
        except NotFound as error:
            if not named or isinstance(error, HubUnreachable):
                raise
            raise HubChanged(f"{quote(repository)} has no commit {quote(commit)} any more") from error
        if not listing.commit.startswith(commit) and not commit.startswith(listing.commit):
            raise HubChanged(f"{quote(repository)} is not at commit {quote(commit)} any more", hint="run it again")
        full = max(commit, listing.commit, key=len)
        return Revision(commit=full, files=listing.files, is_complete=not listing.left_alone)

    def history(self, repository: str, *, most: int = 100) -> tuple[Commit, ...]:
        """Return nothing: this hub gives no list of commits."""
        del most
        check_repository(repository)
        return ()

    def read(self, repository: str, commit: str, file: RemoteFile, *, most_bytes: int) -> bytes:
        """Return a small text file, held against its SHA-256.

        Refuses what Hugging Face counts as a download, as this hub does not say what it counts.
        """
        check_repository(repository)
        check_readable(file, "", most_bytes)
        return fetch_whole(self._host, Listing(repository, commit), file)

    def _page(self, publisher: str, number: int, size: int) -> tuple[list[Any], int | None]:
        """Return the rows of one page, and how many rows there are in all."""
        query = {"owner": publisher, "sort": "last_modified", "page_number": number, "page_size": size}
        answer, value = ask_hub(self._wire, f"/openapi/v1/models?{urlencode(query)}", VARIABLE)
        if answer.status == _BAD_REQUEST and size > _SURE_PAGE:
            self._page_size = _SURE_PAGE
            return self._page(publisher, number, _SURE_PAGE)
        if not answer.is_good:
            kind = NotFound if answer.status == _MISSING else HubUnreachable
            raise kind(f"the hub refuses the models of {quote(publisher)}: HTTP {answer.status}")
        data = _data(value, "data")
        rows = data.get("models")
        if not isinstance(rows, list):
            raise HubUnreachable(f"the hub lists the models of {quote(publisher)} without a list")
        return rows, count_of(data.get("total_count"))

    def _tip(self, repository: str) -> str:
        """Return the commit of the default branch, in full where a file names it; nothing where it may not be known."""
        try:
            return self._host.list_revision(repository, None, Facts()).commit
        except HubUnreachable:
            raise  # to know nothing is not to know that there is nothing
        except (NotFound, UsageError):
            return ""


def _data(value: Any, name: str) -> dict[str, Any]:
    """Return the object that an answer wraps, or an empty one."""
    data = value.get(name) if isinstance(value, dict) else None
    return data if isinstance(data, dict) else {}
