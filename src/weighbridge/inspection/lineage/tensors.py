"""The tensors of a model by a name that safetensors and GGUF share, and rows of them by bounded reads."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.gguf import GGUFHeader, read_gguf
from weighbridge.formats.safetensors import read_header
from weighbridge.inspection.lineage.blocks import decode, row_bytes
from weighbridge.inspection.tables.series import group_series

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from weighbridge.formats.tensor import Tensor
    from weighbridge.inspection.folder import Folder

__all__ = ["Stored", "Tensors", "layer_of", "open_tensors", "read_rows", "tensor_names"]

_LAYER = re.compile(r"blk\.(\d{1,5})\.(.+)")
_SAFETENSORS = re.compile(
    r"(?:(?:base_model|model|language_model|text_model|transformer|gpt_neox)\.)*(?:layers|h|blocks)\.(\d{1,5})\.(.+)"
)
_MAX_TENSORS = 200_000
_MAX_ROW_BYTES = 4 << 20
_LENGTH_BYTES = 8
_SCALE_BLOCK = (
    128  # DeepSeek-V3's block of FP8 scales, https://huggingface.co/deepseek-ai/DeepSeek-V3 README_WEIGHTS.md
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor as it is stored: `columns` numbers a row, `rows` of them, the first at byte `begin` of `path`."""

    path: Path
    own_name: str
    dtype: str
    rows: int
    columns: int
    begin: int
    is_vector: bool


@dataclass(slots=True)
class Tensors:
    """All tensors of a model by shared name. `is_whole` is False where a file was absent or damaged."""

    format: str
    by_name: dict[str, Stored] = field(default_factory=dict)
    scales: dict[str, Stored] = field(default_factory=dict)
    gguf: GGUFHeader | None = None
    is_whole: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def embedding(self) -> Stored | None:
        """The table of token embeddings."""
        wanted = tuple(tensor_names()["embedding"]["names"])
        found = [stored for name, stored in self.by_name.items() if name.endswith(wanted) and layer_of(name) is None]
        return found[0] if len(found) == 1 else None


@cache
def tensor_names() -> dict[str, Any]:
    """Return the table of shared tensor names."""
    return tomllib.loads(files(__package__).joinpath("data", "tensors.toml").read_text(encoding="utf-8"))


def layer_of(name: str) -> tuple[int, str] | None:
    """Return the layer of a shared name and what the tensor is called there, or None outside the layers."""
    found = _LAYER.fullmatch(name)
    return (int(found[1]), found[2]) if found else None


def open_tensors(folder: Folder) -> Tensors:
    """Read the tensor tables of the one model in a folder; damage leaves notes, never an error."""
    tables = [name for name in folder.names if "/" not in name and name.endswith(".safetensors")]
    tables = [name for name in tables if not name.startswith(("consolidated", "adapter_model"))]
    if tables:
        found = Tensors("safetensors")
        for name in tables:
            _add(folder, name, found)
        return found
    series = group_series(name for name in folder.names if name.lower().endswith(".gguf"))
    found = Tensors("gguf" if series else "none")
    if len(series) > 1:
        found.is_whole = False
        found.notes.append(f"the folder holds {len(series)} GGUF models: name one of them")
    elif series:
        found.is_whole = not series[0].n_missing
        for name in series[0].files:
            _add(folder, name, found)
    return found


def _add(folder: Folder, name: str, found: Tensors) -> None:
    """Add the tensors of one file."""
    if not folder.is_readable(name):
        found.is_whole = False
        return
    path = folder.path(name)
    try:
        if found.format == "gguf":
            gguf = read_gguf(path)
            found.gguf = found.gguf or gguf
            found.notes += [f"the file {damage}" for damage in gguf.damage]
            _place(path, gguf.tensors, gguf.start, found)
            return
        header = read_header(path)
        with BoundedFile(path) as file:
            start = _LENGTH_BYTES + int.from_bytes(file.read(0, _LENGTH_BYTES), "little")
        found.notes += [f"the file {damage}" for damage in header.damage]
        _place(path, header.tensors, start, found)
    except DamagedFile as error:
        found.is_whole = False
        found.notes.append(folder.say(error))


def _place(path: Path, tensors: Iterable[Tensor], start: int, found: Tensors) -> None:
    """Put tensors under their shared names; innermost dimensions are rows in either format."""
    for tensor in tensors:
        if len(found.by_name) >= _MAX_TENSORS or not tensor.shape:
            continue
        columns = tensor.shape[0] if found.format == "gguf" else tensor.shape[-1]
        rows = tensor.elements // columns if columns else 0
        is_vector = sum(size != 1 for size in tensor.shape) <= 1
        stored = Stored(path, tensor.name, tensor.dtype, rows, columns, start + tensor.offset, is_vector)
        name = tensor.name if found.format == "gguf" else _shared(tensor.name)
        if name.endswith("_scale_inv"):
            found.scales[name.removesuffix("_scale_inv")] = stored
        else:
            found.by_name.setdefault(name, stored)


def _shared(name: str) -> str:
    """Return the shared name of a safetensors tensor: GGUF's where it has one, `blk.N.` and its own rest otherwise."""
    found = _SAFETENSORS.fullmatch(name)
    if not found:
        return name
    stem, dot, kind = found[2].rpartition(".")
    known = tensor_names()["layer"]
    return f"blk.{int(found[1])}.{known.get(stem, stem)}{dot}{kind}"


def read_rows(tensors: Tensors, name: str, numbers: Iterable[int]) -> list[list[float]] | None:
    """Return rows of one tensor by number; None where the type is not decodable or bytes are absent."""
    stored = tensors.by_name[name]
    size = row_bytes(stored.dtype, stored.columns)
    if size is None or not 0 < size <= _MAX_ROW_BYTES:
        return None
    scale = tensors.scales.get(name)
    rows = []
    try:
        with BoundedFile(stored.path) as file:
            for number in numbers:
                data = file.read(stored.begin + number * size, size)
                if len(data) != size:
                    return None
                row = decode(stored.dtype, data)
                rows.append(row if scale is None else _scaled(file, stored, scale, number, row))
    except (DamagedFile, ValueError):
        return None
    return None if any(not row for row in rows) else rows


def _scaled(file: BoundedFile, stored: Stored, scale: Stored, number: int, row: list[float]) -> list[float]:
    """Multiply a row of FP8 with the scales of its blocks of 128 x 128; empty where they do not fit."""
    blocks = (-(-stored.rows // _SCALE_BLOCK), -(-stored.columns // _SCALE_BLOCK))
    if scale.dtype != "F32" or scale.path != stored.path or (scale.rows, scale.columns) != blocks:
        return []
    size = 4 * scale.columns
    data = file.read(scale.begin + number // _SCALE_BLOCK * size, size)
    factors = decode("F32", data) if len(data) == size else []
    return [value * factors[at // _SCALE_BLOCK] for at, value in enumerate(row)] if factors else []
