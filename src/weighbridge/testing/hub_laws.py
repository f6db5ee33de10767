"""The laws of a hub: what every implementation of `weighbridge.hub.protocol.Hub` must keep.

In the test module of a hub, for pytest; `publish` puts a model there and returns its reference:

    TestMyHub = laws_of_a_hub(MyHub, publish, missing)
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.artefact import digest_of_endpoint, digest_of_files
from weighbridge.core.progress import silent
from weighbridge.errors import NotFound
from weighbridge.testing.law import hold, refuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Advance
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import Hub

__all__ = ["CountingProgress", "HubLaws", "MemoryCache", "laws_of_a_hub"]


class MemoryCache:
    """A digest cache in memory; `known` is what it knows."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, int, int, int], str] = {}

    def get(self, path: str, size: int, mtime_ns: int, inode: int) -> str | None:
        """Return the digest known for this very file, or None."""
        return self.known.get((path, size, mtime_ns, inode))

    def put(self, path: str, size: int, mtime_ns: int, inode: int, sha256: str) -> None:
        """Remember a digest."""
        self.known[path, size, mtime_ns, inode] = sha256


class CountingProgress:
    """A progress that counts: `total` is what was announced, `done` what was reported."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0

    @contextmanager
    def __call__(
        self, label: str, total: int, unit: str, /, *, note: Callable[[], str] | None = None, at_most: bool = False
    ) -> Iterator[Advance]:
        """Open one bar."""
        del at_most
        hold(note is None or bool(note()), "a note says something")
        hold(bool(label) and bool(unit), "a bar has a label and a unit")
        self.total += total

        def advance(units: int, /) -> None:
            hold(units >= 0, "a bar never goes back")
            self.done += units

        yield advance


class HubLaws:
    """One method a law. Files that `publish` makes should be 3 seconds old or older, else nobody may cache them."""

    def make(self) -> Hub:
        """Return the hub under test; overridden."""
        raise NotImplementedError

    def publish(self, folder: Path) -> Reference:
        """Return a reference to a model that is there, made in `folder` where need be; overridden."""
        raise NotImplementedError

    def missing(self, folder: Path) -> Reference | None:
        """Return a reference to a model that is not there; None for a hub that does not look."""
        raise NotImplementedError

    def resolve(self, folder: Path) -> Artefact:
        """Resolve the published model without a cache."""
        return self.make().resolve(self.publish(folder), None, silent)

    def test_the_digest_is_that_of_what_is_there(self, tmp_path: Path) -> None:
        """The identity follows from the file list, or from the address of an endpoint, alone."""
        artefact = self.resolve(tmp_path)
        hold(bool(artefact.name), "an artefact has a name")
        if artefact.is_endpoint:
            reference = artefact.reference
            expected = digest_of_endpoint(reference.target, reference.detail or "")
            hold(not artefact.files, "an endpoint has no files to pin")
        else:
            expected = digest_of_files(artefact.files)
            hold(bool(artefact.files), "what is pinned has files")
        hold(artefact.digest == expected, "the digest is that of the files or the address")

    def test_names_are_plain_and_in_order(self, tmp_path: Path) -> None:
        """Names are relative, UTF-8, sorted, each once; a file is either pinned or left alone with a reason."""
        artefact = self.resolve(tmp_path)
        names = [file.name for file in artefact.files]
        hold(list(artefact.files) == sorted(artefact.files), "files are sorted")
        hold(len(set(names)) == len(names), "a name stands once")
        for name in names:
            name.encode()
            hold(not PurePosixPath(name).is_absolute(), f"`{name}` is relative")
            hold(".." not in PurePosixPath(name).parts, f"`{name}` stays inside")
        hold(not {left.name for left in artefact.left_alone} & set(names), "pinned files are not left alone")
        hold(all(left.reason for left in artefact.left_alone), "what is left alone has a reason")

    def test_sizes_and_digests_are_those_of_the_bytes(self, tmp_path: Path) -> None:
        """Each file is below the root, with the size and SHA-256 that are stated; of a partial one, if fetched."""
        artefact = self.resolve(tmp_path)
        parts = {file.name: file for file in artefact.shadow.weights} if artefact.shadow else {}
        unread = set(artefact.shadow.unread) if artefact.shadow else set()
        for file in artefact.files:
            if file.name in unread:
                continue
            if file.name in parts:
                if parts[file.name].is_table_read:
                    size = Path(str(artefact.root), file.name).stat().st_size
                    hold(size == file.size, f"the stand-in of `{file.name}` has the size stated")
                continue
            with Path(str(artefact.root), file.name).open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                hold(stream.tell() == file.size, f"`{file.name}` has the size stated")
            hold(sha256 == file.sha256, f"`{file.name}` has the SHA-256 stated")

    def test_resolving_is_repeatable(self, tmp_path: Path) -> None:
        """The same reference to the same bytes is the same artefact."""
        reference = self.publish(tmp_path)
        first, second = (self.make().resolve(reference, None, silent) for _ in range(2))
        hold(first == second, "resolving twice gives the same artefact")
        hold(first.reference == reference, "the artefact knows what was typed")

    def test_progress_ends_at_its_total(self, tmp_path: Path) -> None:
        """What was announced is what was reported."""
        progress = CountingProgress()
        self.make().resolve(self.publish(tmp_path), None, progress)
        hold(progress.done == progress.total, f"reported {progress.done} of {progress.total}")

    def test_a_second_run_reads_nothing(self, tmp_path: Path) -> None:
        """With a cache, files that have not changed are not read again."""
        reference, cache, again = self.publish(tmp_path), MemoryCache(), CountingProgress()
        first = self.make().resolve(reference, cache, silent)
        second = self.make().resolve(reference, cache, again)
        hold(first == second, "the cache changes nothing")
        hold(again.total == 0, f"the second run reads nothing, but announced {again.total} bytes")

    def test_what_is_missing_is_not_found(self, tmp_path: Path) -> None:
        """A model that is not there is NotFound, with a hint."""
        reference = self.missing(tmp_path)
        if reference:
            refuses(NotFound, lambda: self.make().resolve(reference, None, silent), "a missing model is NotFound")


def laws_of_a_hub(
    make: Callable[[], Hub],
    publish: Callable[[Path], Reference],
    missing: Callable[[Path], Reference] | None = None,
) -> type[HubLaws]:
    """Return the laws as a class that pytest collects; without `missing` the hub is one that does not look."""

    class TestHubLaws(HubLaws):
        def make(self) -> Hub:
            return make()

        def publish(self, folder: Path) -> Reference:
            return publish(folder)

        def missing(self, folder: Path) -> Reference | None:
            return missing(folder) if missing else None

    return TestHubLaws
