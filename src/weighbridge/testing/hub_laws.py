"""The laws of a hub: what every `weighbridge.hub.protocol.Hub` and every catalogue of a hub must keep.

In the test module of a hub, for pytest; `publish` puts a model there and returns its reference:

    TestMyHub = laws_of_a_hub(MyHub, publish, missing)
    TestMyCatalogue = laws_of_a_catalogue(open_my_catalogue, "maker/model")
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from weighbridge.core.artefact import digest_of_endpoint, digest_of_files
from weighbridge.core.progress import silent
from weighbridge.errors import NotFound, UsageError
from weighbridge.testing.law import hold, refuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pytest

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Advance
    from weighbridge.core.reference import Reference
    from weighbridge.hub.catalogue.protocol import Catalogue
    from weighbridge.hub.protocol import Hub

__all__ = ["CatalogueLaws", "CountingProgress", "HubLaws", "MemoryCache", "laws_of_a_catalogue", "laws_of_a_hub"]


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

    def test_a_second_run_reads_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a cache, files that have not changed are not read again."""
        monkeypatch.setattr("weighbridge.hub.hashing._SETTLED_NS", 0)  # or it would not trust files this new
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


class CatalogueLaws:
    """One method a law, of the catalogue of a hub on which one repository holds README.md and config.json."""

    repository = ""
    _enough = 50  # calls
    _most_bytes = 1 << 20

    def open(self) -> AbstractContextManager[Catalogue]:
        """Return the catalogue under test, to be entered; overridden."""
        raise NotImplementedError

    @property
    def publisher(self) -> str:
        """The maker of the repository."""
        return self.repository.partition("/")[0]

    def test_a_shelf_is_the_publishers_own(self) -> None:
        """Every entry is by the publisher, stands once, and the last changed stands first."""
        with self.open() as catalogue:
            shelf = catalogue.shelf(self.publisher, most_calls=self._enough)
            hold(catalogue.calls == shelf.calls >= 1, "calls are counted")
        names = [entry.repository for entry in shelf.entries]
        hold(self.repository in names, "what is published is listed")
        hold(len(set(names)) == len(names), "a repository stands once")
        hold(all(name.startswith(f"{self.publisher}/") for name in names), "nobody else's are listed")
        dates = [entry.modified_at for entry in shelf.entries if entry.modified_at]
        hold(all(date.utcoffset() is not None for date in dates), "dates know their offset")
        hold(dates == sorted(dates, reverse=True), "the last changed stands first")

    def test_an_entry_says_what_its_row_says(self) -> None:
        """What a listing says of a repository, the repository says of itself."""
        with self.open() as catalogue:
            shelf = catalogue.shelf(self.publisher, most_calls=self._enough)
            row = next(entry for entry in shelf.entries if entry.repository == self.repository)
            entry = catalogue.entry(self.repository)
        for name in ("hub", "repository", "created_at", "modified_at", "licence", "gated", "is_private", "task"):
            hold(getattr(entry, name) == getattr(row, name), f"`{name}` is the same in both")
        hold(row.commit in {"", entry.commit}, "a listed commit is the repository's")

    def test_a_revision_is_of_the_commit_asked_for(self) -> None:
        """The files of the head, asked for by its commit or without, are the same, each with a digest."""
        with self.open() as catalogue:
            commit = catalogue.entry(self.repository).commit
            pinned, head = catalogue.revision(self.repository, commit), catalogue.revision(self.repository, "")
        hold(pinned.commit == commit, "the commit is the one asked for")
        hold(pinned.files == head.files, "the head is at that commit")
        hold({"README.md", "config.json"} <= set(pinned.files), "all files are listed")
        hold(all(file.sha256 or file.git_oid for file in pinned.files.values()), "every file has a digest")
        hold(set(pinned.scans) <= set(pinned.files), "verdicts are of files that are there")

    def test_what_is_read_has_the_digest_listed(self) -> None:
        """A card is read; what would count as a download is refused, without a call."""
        with self.open() as catalogue:
            revision = catalogue.revision(self.repository, "")
            card = revision.files["README.md"]
            data = catalogue.read(self.repository, revision.commit, card, most_bytes=self._most_bytes)
            hold(card.is_made_of(data), "the bytes have the digest listed")
            calls, counted = catalogue.calls, revision.files["config.json"]
            for file, most, law in (
                (counted, self._most_bytes, "what counts as a download is refused"),
                (card, 0, "what is too long is refused"),
            ):
                read = partial(catalogue.read, self.repository, revision.commit, file, most_bytes=most)
                refuses(UsageError, read, law)
            hold(catalogue.calls == calls, "a refusal asks nobody")

    def test_the_history_is_newest_first(self) -> None:
        """Where a hub keeps one, it begins with the head and goes back in time."""
        with self.open() as catalogue:
            history, head = catalogue.history(self.repository), catalogue.entry(self.repository).commit
        dates = [commit.made_at for commit in history if commit.made_at]
        hold(not history or history[0].id == head, "the head stands first")
        hold(dates == sorted(dates, reverse=True), "commits go back in time")

    def test_what_is_missing_is_not_found(self) -> None:
        """A repository that is not there is NotFound in every way of asking."""
        missing = f"{self.publisher}/no-such-model-here"
        with self.open() as catalogue:
            refuses(NotFound, lambda: catalogue.entry(missing), "a missing repository is NotFound")
            refuses(NotFound, lambda: catalogue.revision(missing, ""), "a missing repository has no files")


def laws_of_a_catalogue(
    open_catalogue: Callable[[], AbstractContextManager[Catalogue]], published: str
) -> type[CatalogueLaws]:
    """Return the laws as a class that pytest collects; `published` holds README.md and config.json."""

    class TestCatalogueLaws(CatalogueLaws):
        repository = published

        def open(self) -> AbstractContextManager[Catalogue]:
            return open_catalogue()

    return TestCatalogueLaws
