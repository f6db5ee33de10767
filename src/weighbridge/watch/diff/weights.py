"""What happened to the weights: which files, by digest; by the same sizes or others; stored as which type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.watch.diff.change import MOST_NAMED, Change, named
from weighbridge.watch.diff.parts import digest_in_words, is_index, part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.hub.remote.listing import RemoteFile
    from weighbridge.watch.diff.parts import FileChanges

__all__ = ["listed_weights", "quantization_of", "weight_changes"]

# how llama.cpp and the makers name stored precisions; a word of a name, between its separators
_LABEL = re.compile(
    r"(?:ud-)?(?:i?q[1-8]_(?:k_)?(?:xxs|xs|s|m|l|xl|nl|k|0|1)|q[2-8]_k|tq[12]_0|mxfp[468]|nvfp4|[fb]f?16|fp(?:4|8|16)|int[48]"
    r"|w[48]a(?:4|8|16)|awq|gptq|gguf|mlx|bnb|exl[23]|hqq|aqlm|quip|marlin|autoround|onnx|openvino|[2-8]-?bits?)"
)


def quantization_of(name: str) -> str:
    """Return the stored precision that a file's or repository's name says (`Q4_K_M`, `FP8`, `GGUF`), or nothing."""
    last = name.rpartition("/")[2].lower().removesuffix(".gguf").removesuffix(".onnx")
    found = [word for word in re.split(r"[.\-]", last) if _LABEL.fullmatch(word)]
    return "-".join(dict.fromkeys(found)).upper() if found else ""


def weight_changes(
    changes: FileChanges,
    before: Mapping[str, RemoteFile],
    after: Mapping[str, RemoteFile],
    entries: tuple[Entry, Entry],
) -> Iterator[Change]:
    """Yield what a change of weight files is: new weights, or the same model stored in one more way.

    Files that only came, and whose names say a stored precision that was not there, are a new quantization.
    """
    fresh = {name for name in changes.added if _is_new_precision(name, before)}
    if fresh:
        rows = {name: digest_in_words(after[name]) for name in named(fresh)}
        labels = sorted({quantization_of(name) or "GGUF" for name in fresh})
        yield Change(
            "new-quantization",
            None,
            {"files": rows, "count": len(fresh), "bytes": sum(after[n].size for n in fresh), "stored_as": labels},
            frozenset({"file"}),
            Confidence.MEDIUM,
            named(fresh),
            ("by the names of the files; that they are made from these weights was not checked",),
        )
    rest = {name: pair for name, pair in changes.pairs.items() if name not in fresh}
    if rest:
        yield _changed(rest, before, after, entries)


def _changed(
    pairs: dict[str, tuple[RemoteFile | None, RemoteFile | None]],
    before: Mapping[str, RemoteFile],
    after: Mapping[str, RemoteFile],
    entries: tuple[Entry, Entry],
) -> Change:
    """Say what became of the weights as a whole, and which files show it."""
    real = {name: pair for name, pair in pairs.items() if not is_index(name)}
    traits = {"index-only"} if not real else set[str]()
    if real and all(old and new and old.size == new.size for old, new in real.values()):
        traits.add("same-sizes")
    for trait, at in (("added", 0), ("removed", 1)):
        if real and all(pair[at] is None for pair in real.values()):
            traits.add(trait)
    old_types, new_types = (dict(entry.parameters_by_dtype) for entry in entries)
    sides = [_side(pairs, 0, before, old_types), _side(pairs, 1, after, new_types)]
    if old_types and new_types and old_types.keys() != new_types.keys():
        traits.add("dtype")
    notes = ("all changed files kept their sizes: same tensors, other values",) if "same-sizes" in traits else ()
    return Change("weights", sides[0], sides[1], frozenset(traits), evidence=named(pairs), notes=notes)


def _side(
    pairs: dict[str, tuple[RemoteFile | None, RemoteFile | None]],
    at: int,
    every: Mapping[str, RemoteFile],
    types: dict[str, int],
) -> dict[str, Any] | None:
    """Return one side: how many files of weights in all, and the digests of those that differ."""
    weights = listed_weights(every)
    differing = [name for name, pair in pairs.items() if pair[at] is not None]
    if not weights and not differing:
        return None
    return {
        "files": len(weights),
        "bytes": sum(file.size for file in weights.values()),
        "differing": len(differing),
        "digests": {name: digest_in_words(pairs[name][at]) for name in sorted(differing)[:MOST_NAMED]},
        "parameters_by_dtype": types,
    }


def listed_weights(files: Mapping[str, RemoteFile]) -> dict[str, RemoteFile]:
    """Return the files that hold weights; an index holds none."""
    return {name: file for name, file in files.items() if part_of(name) == "weights" and not is_index(name)}


def _is_new_precision(name: str, before: Mapping[str, RemoteFile]) -> bool:
    """Whether a new file stores weights that were there in a way in which they were not."""
    weights = listed_weights(before)
    if not weights or is_index(name):
        return False
    label = quantization_of(name)
    if name.lower().endswith(".gguf"):
        return not label or label not in {quantization_of(old) for old in weights if old.lower().endswith(".gguf")}
    folder = name.rpartition("/")[0]
    label = label or (quantization_of(folder) if folder else "")
    known = {quantization_of(old) or quantization_of(old.rpartition("/")[0]) for old in weights}
    return bool(label) and label not in known
