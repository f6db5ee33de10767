"""Name the disagreements between what the files declare and what their tensor tables hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.anatomy import DisagreementBody
from weighbridge.formats.gguf_types import FILE_LABELS
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.inspection.figures.declared import Architecture
    from weighbridge.inspection.tables.weights import Weights

__all__ = ["find_disagreements"]

_PLAIN = frozenset({"F64", "F32", "F16", "BF16", "I64", "BOOL"})
_TYPE_OF_TORCH = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64"}
_HALF = 0.5


def find_disagreements(weights: Weights, declared: Architecture, *, is_explained: bool) -> Iterator[DisagreementBody]:
    """Yield each disagreement by name, and each way in which the element count misleads.

    `is_explained` says that a formula has named what the count includes; then names of tensors are not asked.
    """
    tally = weights.tally
    yield from _index(weights, declared)
    if not tally.tensors:
        return
    yield from _counted(weights, declared, is_explained=is_explained)
    if not is_explained:
        yield from _head(weights, declared)
    if weights.format == "gguf":
        yield from _label(tally.dtypes, weights.metadata.get("general.file_type"))
    else:
        yield from _types(tally.dtypes, declared)
        # GGUF stores the embedding as (width, tokens), safetensors as (tokens, width)
    rows = tally.embedding[-1 if weights.format == "gguf" else 0] if tally.embedding else None
    if rows is not None and declared.vocabulary is not None and rows != declared.vocabulary:
        yield _named(
            "vocabulary-rows",
            f"the embedding has {rows:,} rows, the declared vocabulary {declared.vocabulary:,} tokens",
        )


def _index(weights: Weights, declared: Architecture) -> Iterator[DisagreementBody]:
    """Compare the totals that an index states with the tables, and with each other."""
    size, count = (weights.index.get(key) for key in ("total_size", "total_parameters"))
    if weights.has_index and not weights.is_whole and not size:
        stated = "nothing" if size is None else f"`total_size` {size!r}"
        yield _named("index-empty", f"the index states {stated}, so it tells no size")
    if weights.is_whole and type(size) is int and size != weights.tally.n_bytes:
        yield _named(
            "index-size", f"the index says `total_size` {size:,} bytes, the tensors take {weights.tally.n_bytes or 0:,}"
        )
    if weights.is_whole and type(count) is int and count != weights.tally.weights:
        yield _named(
            "index-count", f"the index says `total_parameters` {count:,}, the tensors hold {weights.tally.weights:,}"
        )
    two_bytes = declared.dtype in {"bfloat16", "float16"} and declared.quantization is None
    if two_bytes and type(size) is int and type(count) is int and size != 2 * count:
        yield _named(
            "index-bytes",
            f"the index says {count:,} parameters and {size:,} bytes, which is not 2 bytes each as {declared.dtype}",
        )


def _counted(weights: Weights, declared: Architecture, *, is_explained: bool) -> Iterator[DisagreementBody]:
    """Say what an element count includes or leaves out."""
    tally = weights.tally
    if tally.packed:
        how = declared.quantization or "in integer tensors"
        yield _named(
            "packed-weights",
            f"the weights are packed ({how}): the element count {tally.packed + tally.weights:,} "
            "is not a parameter count",
        )
    if tally.scales and not is_explained and (declared.quantization or "F8_E4M3" in tally.dtypes):
        yield _named("scales-counted", f"counts {tally.scales:,} scales of the quantization as parameters")
    if tally.buffers:
        yield _named(
            "buffers-stored",
            f"leaves out {tally.buffers:,} elements of buffers, such as integer tables or rotary frequencies",
        )
    if not is_explained and (draft := tally.draft_elements(declared.layers, declared.drafts)):
        yield _named("mtp-included", f"counts {draft:,} elements of layers for multi-token prediction")
    if tally.repeated:
        yield _named(
            "tensors-repeated", f"{tally.repeated:,} tensors stand in more than one file and are counted each time"
        )


def _head(weights: Weights, declared: Architecture) -> Iterator[DisagreementBody]:
    """Say where an output head is stored although the model may tie it to the embedding."""
    tally = weights.tally
    if tally.head is None or tally.head != tally.embedding or declared.is_tied is False or tally.packed:
        return
    copy = 1
    for size in tally.head:
        copy *= size
    once = tally.weights - copy
    if not weights.is_whole:
        return
    if declared.is_tied:
        yield _named(
            "tied-head-stored",
            f"the config ties the output head to the embedding, but the files store it apart: "
            f"the published figure counts it once: {once:,}",
        )
    else:
        yield _named(
            "head-stored",
            f"counts the output head ({copy:,} elements) apart from the embedding; "
            f"a tied model's published figure counts it once: {once:,}",
        )


def _label(dtypes: Mapping[str, int], label: object) -> Iterator[DisagreementBody]:
    """Compare a GGUF file's label with the type of most of its elements."""
    if type(label) is not int or label not in FILE_LABELS:
        return
    name, promised = FILE_LABELS[label]
    total = sum(dtypes.values())
    if total and dtypes.get(promised, 0) < _HALF * total:
        share = 100 * dtypes.get(promised, 0) / total
        most = max(dtypes, key=lambda dtype: dtypes[dtype])
        yield _named(
            "label-is-no-bit-rate",
            f"is labelled {name}, but {share:.0f}% of its elements are {promised}; most are {most}",
        )


def _types(dtypes: Mapping[str, int], declared: Architecture) -> Iterator[DisagreementBody]:
    """Compare the declared quantization and type with the types of the tensors."""
    if declared.quantization and set(dtypes) <= _PLAIN:
        yield _named(
            "quantization-not-found",
            f"declares the quantization {quote(declared.quantization)}, but no tensor is quantized",
        )
    if not declared.quantization and set(dtypes) & {"F8_E4M3", "F8_E5M2", "F4", "I8"}:
        yield _named("quantization-not-declared", "holds quantized tensors, but declares no quantization")
    expected = _TYPE_OF_TORCH.get(declared.dtype or "")
    most = max(dtypes, key=lambda dtype: dtypes[dtype])
    if expected and not declared.quantization and most != expected:
        yield _named("declared-type", f"declares {quote(declared.dtype or '')}, but most elements are {most}")


def _named(name: str, message: str) -> DisagreementBody:
    return DisagreementBody(name=name, message=message)
