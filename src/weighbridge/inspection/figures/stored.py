"""Name what a stored element count includes beside the model: by exact arithmetic over its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.anatomy import DisagreementBody
from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.structure import Part, Structure
from weighbridge.inspection.memory.scheme import Scheme
from weighbridge.inspection.memory.stored import explain_stored
from weighbridge.inspection.tables.tally import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.figures.read import Sources
    from weighbridge.inspection.memory.stored import Composition

__all__ = ["compositions_of", "explained", "explained_size", "name_counts", "stored_beside"]

_NAMES = {
    "MTP module": "mtp-included",
    "its embedding and head": "mtp-copies-stored",
    "quantization scales": "scales-counted",
    "router biases": "router-biases-stored",
    "tied head stored again": "tied-head-stored",
    "rotary buffers": "rotary-buffers-stored",
    "vision left out": "vision-left-out",
}
_PACKED = "packed-4-bit"
_MOST_WAYS = 3
_MOST_NAMED = 6
_FP32, _HALF = 4, 2
_BYTES = {"bfloat16": _HALF, "float16": _HALF, "float32": _FP32}


def compositions_of(sources: Sources, stored: int) -> tuple[Composition, ...]:
    """Return what adds up to a stored count; empty where nothing known does, or the structure is not known."""
    if not isinstance(sources.outcome, Structure):
        return ()
    scheme = sources.scheme if isinstance(sources.scheme, Scheme) and sources.declared.quantization else None
    return explain_stored(sources.outcome, scheme, stored)


def explained(who: str, ways: tuple[Composition, ...]) -> Iterator[DisagreementBody]:
    """Yield by name what `who` (as in "the files hold") counts beside the parameters."""
    if not ways:
        return
    first, count = ways[0], ways[0].total
    said = f"{who} {count:,} = {first.text}"
    if len(ways) > 1:
        said += "; or " + "; or ".join(way.text for way in ways[1:_MOST_WAYS])
    for term in first.terms[1:]:
        yield DisagreementBody(name=_NAMES.get(term.name, _PACKED), message=said)


def stored_beside(sources: Sources, stored: int) -> Iterator[DisagreementBody]:
    """Yield the tensors that the model's library does not build, where the count is exact without them."""
    structure, kinds = sources.outcome, sources.weights.tally.kinds
    if not isinstance(structure, Structure) or structure.total is None:
        return
    known = {kind_of(name) for name, _ in structure.named()}
    beside = {kind: count for kind, count in kinds.items() if kind not in known}
    if beside and stored - sum(beside.values()) == structure.total:
        listed = ", ".join(f"{quote(kind)} {count:,}" for kind, count in sorted(beside.items())[:_MOST_NAMED])
        said = f"the files hold {stored:,}: beside the parameters {sum(beside.values()):,} elements of {listed}"
        yield _named("stored-beside", said)


def name_counts(sources: Sources) -> Iterator[DisagreementBody]:
    """Yield what the counts of an index and of a hub include, and those that nothing explains."""
    if not isinstance(sources.outcome, Structure) or sources.outcome.total is None:
        return
    yield from explained_size(sources)[1]
    for who, count in sources.counts:
        ways = compositions_of(sources, count)
        yield from explained(who, ways)
        if not ways:
            said = f"{who} {count:,}, the config describes {sources.outcome.total:,}, and nothing known explains it"
            yield DisagreementBody(name="unexplained-difference", message=said)


def explained_size(sources: Sources) -> tuple[int | None, list[DisagreementBody]]:
    """Return the bytes that an index states where they can be explained, and by name what they include.

    None where no index states them, nothing explains them, or the tables were read; then those are trusted.
    """
    size, structure = sources.weights.index.get("total_size"), sources.outcome
    if type(size) is not int or size <= 0 or sources.weights.is_whole or not isinstance(structure, Structure):
        return None, []
    total, width = structure.total, _BYTES.get(sources.declared.dtype or "", _HALF)
    if total is None or sources.declared.quantization is not None:
        return None, []
    if size == width * total:
        return size, []
    who = f"the index's `total_size` of {size:,} bytes"
    if found := _wider(structure, size, width, who):
        return size, [found]
    if ways := compositions_of(sources, size // width):
        return size, list(explained(f"{who} holds", ways))
    said = f"{who} is not what {total:,} parameters take, and nothing known explains it"
    return None, [_named("unexplained-difference", said)]


def _wider(structure: Structure, size: int, width: int, who: str) -> DisagreementBody | None:
    """Name what is stored in 4 bytes an element where `width` are declared: all, rotary frequencies, or routers."""
    total = structure.total or 0
    if size == _FP32 * total:
        return _named("declared-type", f"{who} is 4 bytes a parameter, though {width} are declared")
    rotary = sum(layer.attend[0].qk // 2 for layer in structure.layers if layer.attend)
    if size - width * total == _FP32 * rotary:
        return _named("rotary-buffers-stored", f"{who} holds {rotary:,} rotary frequencies in fp32")
    router = structure.parts().get(Part.ROUTER, 0)
    if size - width * total == (_FP32 - width) * router:
        return _named("router-in-fp32", f"{who} holds the {router:,} weights of its routers in fp32")
    return None


def _named(name: str, message: str) -> DisagreementBody:
    return DisagreementBody(name=name, message=message)
