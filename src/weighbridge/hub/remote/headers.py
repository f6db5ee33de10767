"""Read the headers of safetensors files by ranges, within a budget: whole tables where they fit, else their lengths."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from weighbridge.core.shadow import WeightFile
from weighbridge.formats.safetensors import MAX_HEADER_BYTES
from weighbridge.hub.remote.account import rebuild_header
from weighbridge.hub.remote.host import fetch_part
from weighbridge.hub.remote.wire import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from weighbridge.core.progress import Advance
    from weighbridge.hub.remote.host import Host
    from weighbridge.hub.remote.listing import Listing, RemoteFile
    from weighbridge.hub.remote.place import ShadowFolder
    from weighbridge.hub.remote.wire import Wire

__all__ = ["Headers", "in_lanes"]

_Item = TypeVar("_Item")

_LENGTH_BYTES = 8
_ALIGNMENT = 8  # the format's own writer pads headers to it; a length that does not fit is asked for twice
_FEW = 6  # files; their own bytes are worth three calls each
_CALL_BYTES = 1200  # the headers of an answer
_SAMPLE_BYTES = 128 << 10
_TYPICAL_BYTES = 96 << 10  # of one header, where nothing tells more
_HEADER_TO_INDEX = 1.35  # an entry of a header says type, shape and place; an entry of an index says a file's name
_INDEX = "model.safetensors.index.json"


def _silent(_units: int, /) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class _Head:
    """The first bytes of one file, as far as they are known, and where in storage they were found."""

    file: RemoteFile
    data: bytes = b""
    near: str = ""

    @property
    def end(self) -> int | None:
        """Where the header ends, or None where its length is not known."""
        return _LENGTH_BYTES + int.from_bytes(self.data[:8], "little") if len(self.data) >= _LENGTH_BYTES else None

    @property
    def is_believable(self) -> bool:
        """Whether the length can be that of a header which is read here; a reader says what is wrong otherwise."""
        return self.end is not None and self.end <= min(self.file.size, MAX_HEADER_BYTES + _LENGTH_BYTES)

    @property
    def is_done(self) -> bool:
        """Whether no more bytes are needed to read the table, or to see that it cannot be read."""
        if self.file.size < _LENGTH_BYTES:
            return True
        return self.end is not None and (not self.is_believable or len(self.data) >= self.end)


@dataclass(slots=True)
class Headers:
    """One reading of the safetensors headers of a listing; `budget` is in bytes, and its rest is what may be read."""

    host: Host
    listing: Listing
    folder: ShadowFolder
    budget: int
    advance: Advance
    sources: dict[str, str] = field(default_factory=dict)
    told: int = 0

    def read(self, files: Sequence[RemoteFile], *, is_counted: bool) -> list[WeightFile]:
        """Return what is known of each file, with its stand-in in the folder.

        A few files are read themselves. Of many, the hub's own copy of all headers is taken where it has one and it
        fits. Else every length is read, and as many tables as fit; but one file as a sample is enough where not all
        would fit, and `is_counted` says that the hub's count of elements agrees with the sizes of the files.
        """
        heads = [self._known(file) for file in files]
        for head in heads:
            if head.file.size < _LENGTH_BYTES:
                self._keep(head)
        todo = [head for head in heads if not head.is_done]
        if len(todo) > _FEW and self._copy_account(todo):
            todo = [head for head in todo if self.sources.get(head.file.name) != "hub"]
        if len(todo) > _FEW and is_counted and self._likely_bytes(len(todo)) > self.budget:
            if not any(head.is_done for head in heads):
                self._read_first(todo[:1], _SAMPLE_BYTES)
                self._complete(todo[:1])
            todo = []
        if todo:
            self._read_first(todo, self._guess(todo))
            self._complete(todo)
        self._tell(len(files) - self.told)
        return [self._describe(head) for head in heads]

    def _known(self, file: RemoteFile) -> _Head:
        """Return what an earlier run left of a file's header."""
        head = _Head(file, self.folder.head(file.name, file.size, _LENGTH_BYTES))
        if head.end is not None and head.end > _LENGTH_BYTES and head.is_believable:
            data = self.folder.head(file.name, file.size, head.end)
            head.data = data if data[_LENGTH_BYTES:].strip(b"\0") else data[:_LENGTH_BYTES]
        return head

    def _guess(self, todo: Sequence[_Head]) -> int:
        """Return how many bytes to ask of each file at first: its likely header, or the length alone."""
        likely = self._likely_bytes(len(todo))
        room = self.budget // len(todo) - 2 * _CALL_BYTES
        if likely > room * len(todo):
            return _LENGTH_BYTES
        return min(likely * 5 // 4 // len(todo) + 4096, room)

    def _likely_bytes(self, count: int) -> int:
        """Return about what the headers of so many files take together."""
        index = self.listing.files.get(_INDEX)
        return int(index.size * _HEADER_TO_INDEX) if index else _TYPICAL_BYTES * count

    def _copy_account(self, todo: Sequence[_Head]) -> bool:
        """Take the hub's copy of the headers; say whether there was one."""
        is_doubtful = self._likely_bytes(len(todo)) > self.budget
        headers = self.host.account_of_tables(self.listing, self.budget, is_doubtful=is_doubtful)
        if headers is None:
            return False
        rebuilt = {head.file.name: rebuild_header(head.file, headers.get(head.file.name)) for head in todo}
        self.sources |= {name: "hub" for name, data in rebuilt.items() if data}
        self.folder.note((WeightFile(name, 0, None, is_table_read=False, source="hub") for name in self.sources), 0)
        for head in todo:
            if data := rebuilt[head.file.name]:
                head.data = data
                self._keep(head)
                self._tell(1)
        return True

    def _tell(self, units: int, /) -> None:
        self.told += units
        self.advance(units)

    def _read_first(self, todo: Sequence[_Head], count: int) -> None:
        """Read the first bytes of each file."""

        def read(head: _Head) -> None:
            answer = fetch_part(self.host, self.listing, head.file, 0, min(count, head.file.size))
            head.data, head.near = answer.body, answer.url

        in_lanes(self.host.wire, read, todo)
        self.budget -= sum(len(head.data) + 2 * _CALL_BYTES for head in todo)

    def _complete(self, todo: Sequence[_Head]) -> None:
        """Read the rest of each header that still fits, in the order of names, and keep what is there."""
        chosen = set[str]()
        for head in todo:
            missing = (head.end or 0) - len(head.data) if head.is_believable else 0
            if 0 < missing <= self.budget - _CALL_BYTES:
                self.budget -= missing + _CALL_BYTES
                chosen.add(head.file.name)

        def finish(head: _Head) -> None:
            if head.file.name in chosen:
                self._read_rest(head)
            if head.is_done and head.is_believable and not _is_json(head.data[_LENGTH_BYTES : head.end]):
                self._read_again(head)
            if head.end is not None and not head.is_done and head.end % _ALIGNMENT:
                head.data = fetch_part(self.host, self.listing, head.file, 0, _LENGTH_BYTES).body
            self._keep(head)

        in_lanes(self.host.wire, finish, todo, self._tell)

    def _read_rest(self, head: _Head) -> None:
        begin, end = len(head.data), head.end or 0
        answer = fetch_part(self.host, self.listing, head.file, begin, end - begin, near=head.near)
        head.data += answer.body

    def _read_again(self, head: _Head) -> None:
        """Read a header that is no JSON once more: the way may have damaged it; what comes now is what there is."""
        again = _Head(head.file, fetch_part(self.host, self.listing, head.file, 0, _LENGTH_BYTES).body)
        if not again.is_done and again.is_believable:
            self._read_rest(again)
        head.data = again.data

    def _keep(self, head: _Head) -> None:
        """Write the stand-in: the whole header, or only its length."""
        end = head.end if head.is_done and head.is_believable else _LENGTH_BYTES
        self.folder.write_stand_in(head.file.name, head.data[:end], head.file.size)

    def _describe(self, head: _Head) -> WeightFile:
        """Say what is known of a file; a length that cannot be is no length."""
        end = head.end if head.end is not None and head.end <= head.file.size else None
        found = WeightFile(head.file.name, head.file.size, end, is_table_read=head.is_done)
        return replace(found, source="hub") if self.sources.get(found.name) == "hub" else found


def in_lanes(wire: Wire, work: Callable[[_Item], object], items: Iterable[_Item], advance: Advance = _silent) -> None:
    """Do the work on all items, several at once; the first failure ends it, and every waiting of the wire.

    `advance` is called from this thread, after each item.
    """
    with ThreadPoolExecutor(LANES) as pool:
        try:
            for done in as_completed([pool.submit(work, item) for item in items]):
                done.result()
                advance(1)
        except BaseException:
            wire.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False
