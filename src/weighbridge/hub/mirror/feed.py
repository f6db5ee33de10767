"""Where the bytes of a mirror come from: a hub's storage, or files on this machine."""

from __future__ import annotations

import re
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from weighbridge.errors import WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.hashing import open_regular
from weighbridge.hub.remote.answer import Ask, BrokenOff, origin
from weighbridge.hub.remote.host import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from weighbridge.hub.remote.answer import Answer
    from weighbridge.hub.remote.host import Host
    from weighbridge.hub.remote.listing import Listing, RemoteFile

__all__ = ["Feed", "Flow", "HubFeed", "LocalFeed"]

_WHOLE, _PART = 200, 206
_REFUSED = 400
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes of a file from `first` on, up to `end`; they may begin before what was asked for, never after it."""

    first: int
    end: int
    pieces: Iterator[memoryview]


class Feed(Protocol):
    """Reads parts of files; its methods may be called from threads."""

    def open(self, file: RemoteFile, first: int, end: int) -> AbstractContextManager[Flow]:
        """Lend the bytes `first` to `end` of a file.

        Where the source knows no ranges, they are those of the whole file. Raises BrokenOff for trouble that may
        pass, and the errors of `Host` for what does not.
        """
        ...

    def rest(self, number: int) -> None:
        """Pause before asking again, longer each time."""
        ...

    def stop(self) -> None:
        """End all waiting."""
        ...

    def refuse_moved(self) -> None:
        """Raise HubChanged where the revision is another now than when it was listed."""
        ...


class HubFeed:
    """A hub's files at the commit of a listing.

    The signed address in storage that a file's first answer leads to is used for its further parts; where it has
    expired, the hub is asked again. The token stays with the hub (`Wire`).
    """

    def __init__(self, host: Host, listing: Listing) -> None:
        self._host = host
        self._listing = listing
        self._near: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()

    def rest(self, number: int) -> None:
        """Pause before asking again, longer each time."""
        self._host.wire.rest(number)

    def stop(self) -> None:
        """End all waiting, and every reading."""
        self._host.wire.stop()

    def refuse_moved(self) -> None:
        """Ask the hub once more where its addresses do not name the commit."""
        self._host.refuse_moved(self._listing)

    @contextmanager
    def open(self, file: RemoteFile, first: int, end: int) -> Iterator[Flow]:
        """Lend bytes of a file; see `Feed`."""
        near, etag = self._near.get(file.name, ("", ""))
        part = (first, end - first) if (first, end) != (0, file.size) else None
        *nearer, sure = [near] if near else self._host.addresses(self._listing, file)
        for url in (*nearer, sure):
            with self._host.wire.stream(Ask(url, most=end - first, part=part, is_long=True)) as stream:
                answer = stream.answer
                if not answer.is_good and url != sure:
                    continue
                if answer.status >= _REFUSED and origin(answer.url) != origin(self._host.wire.endpoint):
                    self._forget(file)  # a signed address expires: the hub gives another
                    raise BrokenOff(f"its storage refuses it: HTTP {answer.status}")
                if not near:
                    check_answer(self._host, self._listing, file, answer)
                    self._host.learn(answer)
                span = _span(file, answer, first, end)
                self._remember(file, answer, etag)
                yield Flow(*span, _exactly(map(memoryview, stream.pieces()), span[1] - span[0]))
                return

    def _remember(self, file: RemoteFile, answer: Answer, etag: str) -> None:
        """Keep the address in storage; refuse parts of what has become another object there."""
        said = answer.header("etag")
        if etag and said and said != etag:
            self._forget(file)
            raise BrokenOff("storage holds another object now")
        if len(answer.hops) > 1 and file.is_stored_apart:
            with self._lock:
                self._near[file.name] = (answer.url, said)

    def _forget(self, file: RemoteFile) -> None:
        with self._lock:
            self._near.pop(file.name, None)


class LocalFeed:
    """Files that lie on this machine, by name."""

    def __init__(self, paths: Mapping[str, str], sleep: Callable[[float], object]) -> None:
        self._paths = paths
        self._sleep = sleep
        self._is_stopped = False

    def rest(self, number: int) -> None:
        """Pause a little."""
        self._sleep(0.1 * 2**number)

    def stop(self) -> None:
        """End every reading."""
        self._is_stopped = True

    def refuse_moved(self) -> None:
        """Need nothing: every file has its digest."""

    @contextmanager
    def open(self, file: RemoteFile, first: int, end: int) -> Iterator[Flow]:
        """Lend bytes of a file; see `Feed`."""
        try:
            with open_regular(self._paths[file.name]) as source:
                source.seek(first)
                yield Flow(first, end, _exactly(self._pieces(source.read, end - first), end - first))
        except FileNotFoundError as error:
            raise WeighbridgeError(f"{quote(self._paths[file.name])} is gone", hint="run it again") from error

    def _pieces(self, read: Callable[[int], bytes | None], left: int) -> Iterator[memoryview]:
        while left and not self._is_stopped and (piece := read(min(left, _BUFFER_BYTES))):
            left -= len(piece)
            yield memoryview(piece)


def _span(file: RemoteFile, answer: Answer, first: int, end: int) -> tuple[int, int]:
    """Return which bytes an answer holds; raises BrokenOff for what is not the file: a page of a proxy, another part.

    An answer that is no part (200) holds the whole file from its beginning, and is never put behind what is here.
    """
    length = answer.header("content-length")
    if answer.header("content-encoding") not in {"", "identity"}:
        raise BrokenOff("the answer is packed, though that was not asked for")
    if answer.status == _WHOLE:
        if length.isdigit() and int(length) != file.size:
            raise BrokenOff(f"{length} bytes come instead of the file's {file.size}")
        return 0, file.size
    found = _RANGE.fullmatch(answer.header("content-range"))
    said = tuple(map(int, found.groups())) if found else ()
    if answer.status != _PART or not said or said[0] != first or not first <= said[1] < end or said[2] != file.size:
        raise BrokenOff("another part comes than was asked for")
    return first, said[1] + 1


def _exactly(pieces: Iterator[memoryview], count: int) -> Iterator[memoryview]:
    """Yield exactly so many bytes; raises BrokenOff where fewer or more come."""
    for piece in pieces:
        count -= len(piece)
        if count < 0:
            raise BrokenOff("more comes than was announced")
        yield piece
    if count:
        raise BrokenOff("the answer breaks off")
