"""Load the tables: those that ship, under a user's own files where there are any."""

from __future__ import annotations

from functools import cache, cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError
from weighbridge.knowledge.look_alike import LookAlikes
from weighbridge.knowledge.names import FamilyNames
from weighbridge.knowledge.rows import MAX_BYTES
from weighbridge.knowledge.shapes import FAMILIES, LOOK_ALIKES, ORGANISATIONS, PRICES, RELEASES, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from weighbridge.knowledge.shapes import Record, Shape, Sheet
    from weighbridge.knowledge.tables import Family, LookAlike, Organisation, Price, Release

__all__ = ["Knowledge", "load_knowledge", "read_sheet", "shipped_sheet"]

_KEPT = 8  # folders, each as it was at one time
_Stamp = tuple[tuple[str, int, int], ...]


class Knowledge:
    """The tables as one (see `protocol.Known`), and the prices; nothing in it changes, so that it can be shared."""

    def __init__(
        self,
        organisations: Iterable[Organisation],
        families: Iterable[Family],
        releases: Iterable[Release],
        prices: Iterable[Price] = (),
        look_alikes: Iterable[LookAlike] = (),
    ) -> None:
        self.organisations = MappingProxyType({one.name: one for one in organisations})
        self.families = tuple(sorted(families, key=lambda family: (-_particular(family), family.name)))
        self.releases = tuple(sorted(releases, key=lambda release: (release.day, release.family, release.model)))
        self.prices = tuple(prices)
        self.look_alikes = MappingProxyType({one.name: one for one in look_alikes})

    @cached_property
    def _names(self) -> FamilyNames:
        return FamilyNames(self.families)

    @cached_property
    def _spellings(self) -> LookAlikes:
        return LookAlikes(self.organisations)

    def organisation(self, repository_or_namespace: str) -> Organisation | None:
        """Return the publisher of `maker/model` (or of a bare namespace); None where it is not listed."""
        return self.organisations.get(repository_or_namespace.partition("/")[0])

    def family_of(self, repository: str) -> Family | None:
        """Return the family that a repository's name names, by its last part; None where none or several do."""
        return self._names.find(repository)

    def look_alike(self, namespace: str) -> Organisation | None:
        """Return the listed organisation that this unlisted namespace could be taken for, or None.

        A name that was judged by hand (`look_alikes`) is not judged by its spelling.
        """
        name = namespace.partition("/")[0].strip()
        judged = self.look_alikes.get(name)
        if judged is not None and name not in self.organisations:
            return self.organisations.get(judged.meant)
        like = self._spellings.find(name)
        return self.organisations[like] if like else None


def _particular(family: Family) -> int:
    return max(len(word) for word in family.pattern.split())


def load_knowledge(folder: Path | None = None) -> Knowledge:
    """Return the shipped tables, with the rows of a user's files replacing those of the same key and adding others.

    `folder` may hold organisations.csv, families.csv, releases.csv, prices.csv and look_alikes.csv; a row with `yes`
    under `withdrawn` takes a shipped row away. What was read is kept until a file changes. Raises UsageError that
    names file, line and column of what cannot be read, and where `folder` is no folder.
    """
    return _load(folder, _stamp(folder))


@lru_cache(maxsize=_KEPT)
def _load(folder: Path | None, stamp: _Stamp) -> Knowledge:  # noqa: ARG001 - the stamp is there for the cache
    return Knowledge(
        _joined(ORGANISATIONS, folder),
        _joined(FAMILIES, folder),
        _joined(RELEASES, folder),
        _joined(PRICES, folder),
        _joined(LOOK_ALIKES, folder),
    )


def _stamp(folder: Path | None) -> _Stamp:
    """Return what tells whether a user's files have changed."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder of tables", hint="`weighbridge knowledge update FILE` begins one")
    present = [folder / shape.file for shape in TABLES.values() if (folder / shape.file).exists()]
    return tuple((path.name, (status := path.stat()).st_mtime_ns, status.st_size) for path in present)


def _joined(shape: Shape[Record], folder: Path | None) -> Iterable[Record]:
    shipped = shipped_sheet(shape).records
    if folder is None or not (folder / shape.file).exists():
        return shipped.values()
    own = read_sheet(shape, folder / shape.file)
    return {key: record for key, record in {**shipped, **own.records}.items() if key not in own.withdrawn}.values()


@cache
def _shipped(name: str) -> bytes:
    return files(__package__).joinpath("data", name).read_bytes()


def shipped_sheet(shape: Shape[Record]) -> Sheet[Record]:
    """Return a table as it ships."""
    return shape.read(_shipped(shape.file), shape.file)


def read_sheet(shape: Shape[Record], path: Path) -> Sheet[Record]:
    """Read a user's file of one table; raises UsageError that names file, line and column."""
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise UsageError(f"`{path}` is no file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}") from error
    return shape.read(data, str(path))
