"""What a hub must know to be read from afar, and how parts of its files are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Protocol

from weighbridge.errors import DamagedFile, HubChanged, HubUnreachable, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.hub.remote.wire import Ask, TooLong

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import Listing, RemoteFile
    from weighbridge.hub.remote.wire import Answer, Wire

__all__ = ["Host", "Unreadable", "check_answer", "fetch_json", "fetch_part", "fetch_whole"]

_TRIES = 3  # of files that come damaged: a page of a proxy, a flipped bit
_JSON_TRIES = 5  # as often as an answer is asked for that says 503: a proxy's page may say 200 of the same outage
_MAX_JSON = 16 << 20
_WHOLE, _PART = 200, 206
_LITTLE = 64 << 10  # a file this small may come whole where a part was asked for
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class Unreadable(HubUnreachable):
    """An answer that is no JSON, however often it is asked for."""


class Host(Protocol):
    """One hub. Its methods raise NotFound, UsageError (it asks who you are), HubChanged or HubUnreachable."""

    wire: Wire

    @property
    def kind(self) -> Literal["hf", "ms"]:
        """How references name this hub."""
        ...

    def list_files(self, repository: str, revision: str | None) -> Listing:
        """Pin a revision (None for the hub's default branch) to its commit, and list its files."""
        ...

    def addresses(self, listing: Listing, file: RemoteFile) -> tuple[str, ...]:
        """Return where a file of the listing is read, at its commit: nearer ways first, the sure one last."""
        ...

    def learn(self, answer: Answer) -> None:
        """See where a small file was found in the end."""
        ...

    def refuse(self, listing: Listing, file: RemoteFile, answer: Answer) -> WeighbridgeError:
        """Return the error for an answer that is no success."""
        ...

    def account_of_tables(self, listing: Listing, most_sent: int, *, is_doubtful: bool) -> dict[str, Any] | None:
        """Return the hub's own copy of all safetensors headers by file; None where it has none.

        It may take `most_sent` bytes on the way; where that `is_doubtful`, its length is asked first.
        """
        ...

    def refuse_moved(self, listing: Listing) -> None:
        """Raise HubChanged where what was listed is no more what is read; called once, at the end."""
        ...


def fetch_json(wire: Wire, path: str, variable: str, *, of_strangers: bool = False) -> tuple[Answer, Any]:
    """Return the hub's answer and the JSON in it, None for a refusal; what is no JSON is asked for again.

    With `of_strangers` the answer holds cards of many: NaN is read as its name and half a character is left out, so
    that one card does not hide all others. Raises Unreadable, which names the environment variable of the hub's
    address, where no JSON ever comes.
    """
    ask = Ask(f"{wire.endpoint}{path}", most=_MAX_JSON, is_packed=True)
    said = ""
    for number in range(_JSON_TRIES):
        if number:
            wire.rest(number - 1)
        answer = wire.get(ask)
        if not answer.is_good:
            return answer, None
        try:
            return answer, parse_json(
                answer.body,
                "the hub's answer",
                max_bytes=_MAX_JSON,
                constants_as_text=of_strangers,
                of_models=of_strangers,
            )
        except DamagedFile as error:
            said = error.message
    raise Unreadable(
        f"{quote(wire.endpoint)} does not answer as a hub does: {said}",
        hint=f"look at `{variable}`, or try again later",
    )


def fetch_whole(host: Host, listing: Listing, file: RemoteFile) -> bytes:
    """Return the bytes of a file with the digest that was listed; what comes damaged is asked for again.

    Raises HubChanged where the right bytes never come.
    """
    for number in range(_TRIES):
        data = _fetch_once(host, listing, file)
        if data is not None and file.is_made_of(data):
            return data
        host.wire.rest(number)
    raise HubChanged(
        f"{quote(file.name)} is not what the hub listed: its digest or its size is another",
        hint="run it again; if it stays so, something on the way changes files",
    )


def _fetch_once(host: Host, listing: Listing, file: RemoteFile) -> bytes | None:
    """Return what comes for a file, None where it is too long."""
    *nearer, sure = host.addresses(listing, file)
    for address in (*nearer, sure):
        try:
            answer = host.wire.get(Ask(address, most=file.size))
        except TooLong:
            return None
        if answer.is_good:
            break
    check_answer(host, listing, file, answer)
    host.learn(answer)
    return answer.body


def fetch_part(host: Host, listing: Listing, file: RemoteFile, first: int, count: int, *, near: str = "") -> Answer:
    """Return an answer whose body is exactly bytes `first` to `first + count` of a file; raises HubChanged.

    `near` is the address in storage at which an earlier part was found; where it has expired, or another part comes,
    the hub is asked again. An answer that is no part (200) is believed only for a little file that came whole.
    """
    for number in range(_TRIES):
        most = max(count, min(file.size, _LITTLE))
        address = (number == 0 and near) or host.addresses(listing, file)[-1]
        answer = host.wire.get(Ask(address, most=most, part=(first, count)))
        if address == near and not answer.is_good:
            continue
        check_answer(host, listing, file, answer)
        if answer.status == _WHOLE and len(answer.body) == file.size:
            return type(answer)(_PART, answer.body[first : first + count], answer.url, answer.hops)
        found = _RANGE.fullmatch(answer.header("content-range"))
        said = tuple(map(int, found.groups())) if found else ()
        if answer.status == _PART and said == (first, first + count - 1, file.size) and len(answer.body) == count:
            return answer
        host.wire.rest(number)
    raise _changed(file, f"the answer to a request for {count} bytes from {first} on is another part or file")


def check_answer(host: Host, listing: Listing, file: RemoteFile, answer: Answer) -> None:
    """Refuse what is no success, and a success that speaks of another commit, file or size."""
    if not answer.is_good:
        raise host.refuse(listing, file, answer)
    commit, etag, size = (answer.first(name) for name in ("x-repo-commit", "x-linked-etag", "x-linked-size"))
    etag = etag.removeprefix("W/").strip('"').lower()
    if commit and not commit.startswith(listing.commit):
        raise _changed(file, f"it comes from commit {quote(commit)}")
    if file.is_stored_apart and ((etag and etag != file.sha256) or (size and size != str(file.size))):
        raise _changed(file, "its digest or its size is another now")


def _changed(file: RemoteFile, what: str) -> HubChanged:
    return HubChanged(
        f"{quote(file.name)} changed on the hub while it was read: {what}", hint="run it again; nothing was mixed"
    )
