"""Sample rows, vectors and embeddings of two models at the same places."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.core.kinds.lineage import LayerBody
from weighbridge.inspection.lineage.blocks import is_decodable, row_bytes
from weighbridge.inspection.lineage.similar import correlation, cosine, gram, summary
from weighbridge.inspection.lineage.tensors import layer_of, read_rows, tensor_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.lineage.tensors import Tensors

__all__ = ["Sampled", "sample_embeddings", "sample_matrices", "sample_vectors"]

_LAYERS = 3
_MATRICES = 3
_ROWS = 24
_EMBEDDINGS = 64  # 2,016 pairs
_FEWEST_EMBEDDINGS = 16
_VECTORS = 400
_SHORTEST_ROW = 32  # the cosine of shorter rows says little
_SHORTEST_VECTOR = 16
_NORM = re.compile(r"(?:.*_)?(?:norm|layernorm|ln_\d)(?:\.weight)?")


@dataclass(slots=True)
class Sampled:
    """What was read from both models; `bytes_read` counts both."""

    matrices: list[LayerBody] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    bytes_read: int = 0


def sample_matrices(own: Tensors, other: Tensors) -> Sampled:
    """Return cosines of rows of three matrices in the first, middle and last layer that both models hold."""
    sampled = Sampled()
    names = list(_comparable(own, other))
    layers = sorted({layer for layer, _ in names})
    for layer in sorted({layers[at] for at in (0, len(layers) // 2, -1)}) if layers else ():
        read = 0
        for name in _preferred([name for at, name in names if at == layer]):
            if read == _MATRICES:
                break
            read += _sample(own, other, (layer, name), sampled)
    return sampled


def _comparable(own: Tensors, other: Tensors) -> Iterator[tuple[int, str]]:
    """Yield layer and name of every matrix of one shape in both, in an order of rows that both share."""
    across = own.format != other.format
    known = {*tensor_names()["layer"].values()} - {*tensor_names()["reordered"]["names"]}
    for name, stored in own.by_name.items():
        place, base = layer_of(name), other.by_name.get(name)
        if place is None or base is None or stored.is_vector or stored.columns < _SHORTEST_ROW:
            continue
        if across and place[1].removesuffix(".weight") not in known:
            continue
        is_readable = is_decodable(stored.dtype) and is_decodable(base.dtype)
        if is_readable and (stored.rows, stored.columns) == (base.rows, base.columns):
            yield place[0], name


def _preferred(names: list[str]) -> list[str]:
    """Order the matrices of one layer: the usual ones first, then any other by name."""
    order: list[str] = tensor_names()["preferred"]["names"]

    def rank(name: str) -> tuple[int, str]:
        place = layer_of(name)
        return (order.index(place[1]) if place and place[1] in order else len(order), name)

    return sorted(names, key=rank)


def _sample(own: Tensors, other: Tensors, place: tuple[int, str], sampled: Sampled) -> bool:
    """Add the sampled rows of one matrix; returns whether there were any."""
    layer, name = place
    stored, base = own.by_name[name], other.by_name[name]
    numbers = _spread(stored.rows, _ROWS)
    first, second = read_rows(own, name, numbers), read_rows(other, name, numbers)
    if first is None or second is None:
        return False
    cosines = [value for a, b in zip(first, second, strict=True) if (value := cosine(a, b)) is not None]
    body = summary(cosines)
    if body is None or 2 * len(cosines) < len(numbers):  # mostly zeros or not finite: no matrix to judge by
        return False
    sizes = (row_bytes(stored.dtype, stored.columns), row_bytes(base.dtype, base.columns))
    sampled.bytes_read += len(numbers) * sum(size or 0 for size in sizes)
    kept = stored.dtype if stored.dtype == base.dtype else f"{stored.dtype} and {base.dtype}"
    sampled.matrices.append(LayerBody(layer=layer, matrix=stored.own_name, stored=kept, cosine=body))
    sampled.cosines += cosines
    return True


def sample_vectors(own: Tensors, other: Tensors) -> tuple[list[float], list[float]]:
    """Return correlations about the mean of bias vectors, and those of norm vectors, of the same name and length."""
    biases: list[float] = []
    norms: list[float] = []
    reordered = tensor_names()["reordered"]["names"] if own.format != other.format else ()
    for name, stored in own.by_name.items():
        place, base = layer_of(name), other.by_name.get(name)
        if place is None or base is None or not (stored.is_vector and base.is_vector):
            continue
        if place[1].rpartition(".")[0] in reordered or len(biases) + len(norms) >= _VECTORS:
            continue
        is_bias = place[1].endswith(".bias")
        if not is_bias and not _NORM.fullmatch(place[1]):
            continue
        value = _vector(own, other, name)
        if value is not None:
            (biases if is_bias else norms).append(value)
    return biases, norms


def _vector(own: Tensors, other: Tensors, name: str) -> float | None:
    """Return the correlation of one vector of both models."""
    stored, base = own.by_name[name], other.by_name[name]
    if (stored.rows, stored.columns) != (base.rows, base.columns) or stored.rows != 1:
        return None
    if stored.columns < _SHORTEST_VECTOR:
        return None
    first, second = read_rows(own, name, (0,)), read_rows(other, name, (0,))
    return correlation(first[0], second[0]) if first and second else None


def sample_embeddings(own: Tensors, other: Tensors, shared: int) -> float | None:
    """Return the correlation of the similarities among the embeddings of tokens spread over the first `shared` ids.

    Both models may have any width. None where the tables cannot be read.
    """
    first, second = own.embedding, other.embedding
    if first is None or second is None:
        return None
    numbers = _spread(min(shared, first.rows, second.rows), _EMBEDDINGS)
    if len(numbers) < _FEWEST_EMBEDDINGS:
        return None
    tables = [
        read_rows(tensors, next(name for name, stored in tensors.by_name.items() if stored is table), numbers)
        for tensors, table in ((own, first), (other, second))
    ]
    if tables[0] is None or tables[1] is None:
        return None
    grams = gram(tables[0]), gram(tables[1])
    if grams[0] is None or grams[1] is None:
        return None
    value = correlation(grams[0], grams[1])
    return None if value is None else round(value, 4)


def _spread(count: int, wanted: int) -> list[int]:
    """Return up to `wanted` numbers spread evenly over 0 ... count - 1."""
    taken = min(count, wanted)
    return [(2 * at + 1) * count // (2 * taken) for at in range(taken)]
