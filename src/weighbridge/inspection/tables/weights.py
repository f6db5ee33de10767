"""Find the files that hold the model's weights, and add up their tensor tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.errors import DamagedFile
from weighbridge.formats.config import read_index
from weighbridge.formats.gguf import read_gguf
from weighbridge.formats.place import quote
from weighbridge.formats.safetensors import read_header
from weighbridge.inspection.tables.series import Series, group_series
from weighbridge.inspection.tables.tally import MAX_TENSORS, Tally

if TYPE_CHECKING:
    from weighbridge.formats.gguf import Value
    from weighbridge.formats.tensor import Tensor
    from weighbridge.inspection.folder import Folder

__all__ = ["NO_WEIGHTS", "Weights", "find_weights"]

_INDEX = "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_COMPANIONS = frozenset({"mmproj", "adapter", "imatrix", "projector"})
_ADAPTER = "adapter_model"
NO_WEIGHTS = "the folder holds no weights, so nothing was counted"


@dataclass(slots=True)
class Weights:
    """What the tensor tables add up to.

    `is_whole` is False where a part is absent or unreadable: then no total may be called the model's.
    `metadata` is that of the first GGUF file, `tables` the tensors of all its parts: there they are the structure;
    `index` is what a safetensors index says about all shards.
    `stored_bytes` are the bytes of all tensors where not all tables were read and yet all bytes are known: of a model
    on its hub, from the lengths of the headers (exact), or else from the hub's count of elements that the sizes of the
    files agree with; `stored_by` says which.
    """

    format: Literal["gguf", "safetensors", "config"] = "config"
    tally: Tally = field(default_factory=Tally)
    is_whole: bool = False
    metadata: dict[str, Value] = field(default_factory=dict)
    index: dict[str, Any] = field(default_factory=dict)
    has_index: bool = False
    notes: list[str] = field(default_factory=list)
    tables: list[Tensor] = field(default_factory=list)
    stored_bytes: int | None = None
    stored_by: Literal["header lengths", "hub's count"] | None = None


def find_weights(folder: Folder) -> Weights:
    """Read the tensor tables of the one model in a folder.

    Raises DamagedFile where the folder is one GGUF file and its header cannot be read.
    """
    weights = Weights()
    at_root = [name for name in folder.names if "/" not in name]
    series = _by_index(folder, weights) or _one(
        group_series(name for name in at_root if name.endswith(".safetensors")), weights
    )
    gguf = [name for name in folder.names if name.lower().endswith(".gguf")]
    if series:
        weights.format = "safetensors"
        _add_safetensors(folder, series, weights)
        if gguf:
            weights.notes.append(f"{len(gguf)} GGUF files beside the safetensors are not counted")
    elif gguf and (models := _models(folder, gguf, weights)):
        weights.format = "gguf"
        if chosen := _one(models, weights):
            _add_gguf(folder, chosen, weights)
    elif pickles := [name for name in at_root if name.endswith(_PICKLES)]:
        weights.notes.append(f"the weights are in files that are not read, such as {quote(pickles[0])}")
    elif not weights.notes:
        weights.notes.append(NO_WEIGHTS)
    return weights


def _by_index(folder: Folder, weights: Weights) -> Series | None:
    """Return the shards that the index names, or None where there is no index or none of its shards."""
    indexes = [name for name in folder.names if name.endswith(".safetensors.index.json") and "/" not in name]
    indexes = [name for name in indexes if folder.is_readable(name)]
    if not indexes:
        return None
    name = _INDEX if _INDEX in indexes else indexes[0]
    try:
        index = read_index(folder.path(name))
    except DamagedFile as error:
        weights.notes.append(folder.say(error))
        return None
    weights.index, weights.has_index = index.metadata, True
    present = tuple(shard for shard in index.files if shard in folder)
    missing = tuple(shard for shard in index.files if shard not in folder)
    if not present and missing:
        weights.notes.append(f"{quote(name)} names {len(missing)} shards, and none of them is there")
        return None
    return Series(_INDEX, present, missing, len(missing)) if present else None


def _one(groups: list[Series], weights: Weights) -> Series | None:
    """Return the one series that is the model; several are named in a note."""
    models = [group for group in groups if group.stem != _ADAPTER]
    # Mistral publishes the same weights a second time as `consolidated`
    models = [group for group in models if not group.stem.startswith("consolidated")] or models
    if len(models) > 1:
        names = ", ".join(quote(group.files[0]) for group in models[:3])
        weights.notes.append(f"the folder holds {len(models)} models, so no total is its own: weigh one of {names} ...")
        return None
    if not models and groups:
        weights.notes.append("the folder holds an adapter, not a model: the weights that it changes are elsewhere")
    return models[0] if models else None


def _add_safetensors(folder: Folder, series: Series, weights: Weights) -> None:
    """Add every shard that can be read."""
    weights.is_whole = not _say_missing(series, weights)
    if weights.is_whole and folder.shadow and not all(map(folder.is_readable, series.files)):
        weights.stored_bytes, weights.stored_by = folder.shadow.stored_bytes(series.files), "header lengths"
        if weights.stored_bytes is None:
            weights.stored_bytes = folder.shadow.declared_bytes_of(series.files)
            weights.stored_by = "hub's count" if weights.stored_bytes is not None else None
    for name in _readable(folder, series, weights):
        try:
            header = read_header(folder.path(name))
        except DamagedFile as error:
            weights.is_whole = False
            weights.notes.append(folder.say(error))
            continue
        weights.notes.extend(f"{quote(name)} {damage}" for damage in header.damage)
        is_room = _count(header.tensors, weights)
        del header  # two tables never stand side by side in memory
        if not is_room:
            return


def _models(folder: Folder, names: list[str], weights: Weights) -> list[Series]:
    """Return the GGUF series that are models, leaving out projectors, adapters and importance matrices."""
    models = []
    for series in group_series(names):
        if not folder.is_readable(series.files[0]):
            models.append(series)
            continue
        try:
            metadata = read_gguf(folder.path(series.files[0])).metadata
        except DamagedFile as error:
            if len(folder.names) == 1:
                raise
            weights.notes.append(folder.say(error))
            continue
        if metadata.get("general.architecture") == "clip" or metadata.get("general.type") in _COMPANIONS:
            weights.notes.append(f"{quote(series.files[0])} is no language model and is not counted")
        else:
            models.append(series)
    return models


def _add_gguf(folder: Folder, series: Series, weights: Weights) -> None:
    """Add every part that can be read; the first part carries the metadata."""
    weights.is_whole = not _say_missing(series, weights)
    for number, name in enumerate(_readable(folder, series, weights)):
        try:
            header = read_gguf(folder.path(name))
        except DamagedFile as error:
            weights.is_whole = False
            weights.notes.append(folder.say(error))
            continue
        if number == 0:
            weights.metadata = header.metadata
        weights.notes.extend(f"{quote(name)} {damage}" for damage in header.damage)
        is_room = _count(header.tensors, weights)
        del header  # two tables never stand side by side in memory
        if not is_room:
            return
    promised = weights.metadata.get("split.tensors.count")
    if weights.is_whole and type(promised) is int and promised != weights.tally.tensors:
        weights.notes.append(f"`split.tensors.count` says {promised} tensors; the parts hold {weights.tally.tensors}")


def _readable(folder: Folder, series: Series, weights: Weights) -> list[str]:
    """Return the parts whose tables are here; of a model that stayed on its hub, some may not be."""
    names = [name for name in series.files if folder.is_readable(name)]
    if unread := len(series.files) - len(names):
        weights.is_whole = False
        weights.notes.append(f"the tensor tables of {unread} of {len(series.files)} files stayed on the hub")
    return names


def _count(tensors: tuple[Tensor, ...], weights: Weights) -> bool:
    """Add one file's table; returns False, with a note, where all tables together are too large to be a model's."""
    if weights.tally.tensors + len(tensors) > MAX_TENSORS:
        weights.is_whole = False
        weights.notes.append(f"the files hold more than {MAX_TENSORS:,} tensors, so totals are not known")
        return False
    weights.tally.add(tensors, containers=weights.format == "safetensors")
    if weights.format == "gguf":
        weights.tables.extend(tensors)
    return True


def _say_missing(series: Series, weights: Weights) -> bool:
    """Note which parts are absent; returns whether any is."""
    if series.n_missing:
        names = ", ".join(quote(name) for name in series.missing[:3])
        more = " ..." if series.n_missing > 3 else ""  # noqa: PLR2004 - as many as were named
        weights.notes.append(f"{series.n_missing} parts are named and absent, so totals are not known: {names}{more}")
    return bool(series.n_missing)
