"""A part of the weights is named and is not there.

What it finds: a file that a `*.safetensors.index.json` names, or that the numbering of its neighbours
implies (`model-00001-of-00003.gguf` alone), and that is not among the pinned files.

Why it matters: the model cannot be loaded, or a loader fills the gap with random weights and says so only
in a log. Every figure about the whole model is unknown until the part is found.

What to do: download the folder again, or fetch the named files from the same revision.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Finding, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.config import read_index
from weighbridge.formats.place import quote
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.tables.series import group_series

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.core.artefact import Artefact

__all__ = ["missing_shard"]

_INDEX = ".safetensors.index.json"
_WEIGHTS = (".gguf", ".safetensors")
_MOST_NAMED = 3  # absent files of one index or series; all are counted


def missing_shard(artefact: Artefact) -> Iterator[Finding]:
    """Find weight files that an index or a numbering names and that are absent."""
    folder = Folder(artefact)
    said: set[str] = set()
    for name in folder.names:
        if name.endswith(_INDEX) and folder.is_readable(name):
            yield from _by_index(folder, name, said)
    for series in group_series((name for name in folder.names if name.endswith(_WEIGHTS)), accounted=said):
        yield from _absent(series.files[0], series.missing, series.n_missing)


def _by_index(folder: Folder, index: str, said: set[str]) -> Iterator[Finding]:
    """Compare one index with the files beside it."""
    try:
        shards = read_index(folder.path(index)).files
    except DamagedFile as error:
        message = f"the index cannot be read, so its shards could not be looked for: {folder.say(error)}"
        yield Finding("missing-shard", Severity.HIGH, index, message)
        return
    beside = index.rpartition("/")[0]
    named = [f"{beside}/{shard}" if beside else shard for shard in shards]
    absent = [name for name in named if name not in folder]
    said.update(absent)
    yield from _absent(index, absent, len(absent))


def _absent(place: str, names: Sequence[str], count: int) -> Iterator[Finding]:
    """Yield one finding for all `count` absent files, the first of which are `names`."""
    if not count:
        return
    shown = ", ".join(quote(name) for name in names[:_MOST_NAMED]) + (" ..." if count > _MOST_NAMED else "")
    single = count == len(names) == 1
    message = f"names {shown}, which is not there" if single else f"names {count:,} files that are not there: {shown}"
    yield Finding("missing-shard", Severity.HIGH, place, message)
