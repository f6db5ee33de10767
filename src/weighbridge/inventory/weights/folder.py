"""Say which models lie in one folder: files of weights, adapters, quantized files, and what may be one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.formats.magic import HEAD_BYTES, format_of, is_text
from weighbridge.inventory.found import Found
from weighbridge.inventory.trees.tree import Unreadable, below
from weighbridge.inventory.weights.names import is_companion, without_part
from weighbridge.inventory.weights.stated import (
    Stated,
    read_adapter,
    read_card,
    read_config,
    read_gguf_head,
    read_pointer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.inventory.trees.tree import Tree
    from weighbridge.inventory.weights.names import Listing

__all__ = ["Origin", "describe_folder"]

_TEXTS_TOO = (".pth", ".plan", ".task", ".engine")
_ANYBODYS = "tokenizer.json"  # alone, it may be of any program that splits text
_GGML = (b"lmgg", b"fmgg", b"tjgg")  # llama.cpp's formats before GGUF, little-endian
_MOST_SIZED = 2000  # shards of one model; the largest have 200


@dataclass(frozen=True, slots=True)
class Origin:
    """What the place of a folder says of a model in it: the cache's name for it, its reference, and how sure."""

    way: str = "weights"
    name: str = ""
    reference: str = ""
    detail: str = ""
    confidence: Confidence = Confidence.HIGH
    digests: tuple[tuple[str, str], ...] = ()

    def digest(self, name: str) -> str:
        """Return the digest that a cache gives a file, "" where it gives none."""
        return dict(self.digests).get(name, "")


def describe_folder(tree: Tree, folder: str, listing: Listing, origin: Origin) -> Iterator[Found]:
    """Yield the models in a folder, whose files' names are in `listing`."""
    card = read_card(tree, below(folder, listing.card)) if listing.card else Stated()
    if listing.gguf:
        yield from _quantized(tree, folder, listing, origin, card)
    weights = [*listing.tensors, *listing.torch]
    if listing.has_adapter:
        yield _adapter(tree, folder, weights, origin, card)
        return
    config = _config(tree, folder, listing)
    if weights and (config is not None or listing.has_pipeline):
        yield _model(tree, folder, weights, origin, _joined(card, config))
    elif weights:
        if not listing.configs and not listing.tokenizers:
            weights = [name for name in weights if not _is_anybodys(tree, folder, name)]
        yield from _bare_weights(tree, folder, weights, origin, card)
    elif listing.possible and (possible := _binary(tree, folder, listing.possible)):
        listing.possible[:] = possible
        yield _possible(tree, folder, listing, origin, _joined(card, config))
    elif listing.has_pipeline:
        yield _empty(tree, folder, origin, card, "a pipeline of several models: its parts lie in folders below")
    elif config is not None and not listing.gguf:
        what = "an unfinished download" if listing.unfinished else "a config without weights"
        yield _empty(tree, folder, origin, _joined(card, config), what)
    elif listing.tokenizers and not listing.gguf and (listing.tokenizers != [_ANYBODYS] or card != Stated()):
        yield _empty(tree, folder, origin, card, "a tokenizer without config and weights")


def _config(tree: Tree, folder: str, listing: Listing) -> Stated | None:
    for name in listing.configs:
        if (stated := read_config(tree, below(folder, name))) is not None:
            return stated
    return None


def _joined(card: Stated, config: Stated | None) -> Stated:
    """Return what card and config say together; a base that only the config names is what it was loaded from."""
    if config is None:
        return card
    bases = card.bases or ((config.loaded_from,) if config.loaded_from else ())
    return replace(card, architecture=config.architecture, bases=bases, loaded_from=config.loaded_from)


def _found(tree: Tree, path: str, origin: Origin, stated: Stated, detail: str) -> Found:
    """Return a finding that says what the files and their place say."""
    reference = origin.reference or (f"hf:{stated.hub_id}" if stated.hub_id else "")
    own = reference.partition(":")[2].partition("@")[0]
    return Found(
        way="cache" if origin.way == "cache" else "weights",
        place=tree.place(path),
        name=origin.name or stated.hub_id or stated.name or _last(tree, path),
        confidence=origin.confidence,
        reference=reference,
        folder=tree.on_disk(path),
        bases=tuple(base for base in stated.bases if base != own),
        architecture=stated.architecture,
        licence=stated.licence,
        detail="; ".join(part for part in (detail, origin.detail) if part),
    )


def _last(tree: Tree, path: str) -> str:
    return tree.place(path).rstrip("/").rsplit("/", 1)[-1]


def _model(tree: Tree, folder: str, weights: Sequence[str], origin: Origin, stated: Stated) -> Found:
    n_bytes, digest, pointers = _measure(tree, folder, weights, origin)
    count = f"{len(weights)} files of weights" if len(weights) > 1 else f"weights in {weights[0]}"
    detail = f"{count}, {pointers} of them Git LFS pointers" if pointers else count
    found = _found(tree, folder, origin, stated, detail)
    sure = Confidence.MEDIUM if pointers == len(weights) else found.confidence
    return replace(found, n_bytes=n_bytes, digest=digest, confidence=sure)


def _measure(tree: Tree, folder: str, weights: Sequence[str], origin: Origin) -> tuple[int | None, str, int]:
    """Return the bytes of some files, the digest where one file is all and it is cheap to know, and LFS pointers."""
    total, digest, pointers = 0, "", 0
    for name in weights[:_MOST_SIZED]:
        path = below(folder, name)
        try:
            size = tree.size(path)
        except Unreadable:
            return None, "", pointers
        pointer = read_pointer(tree, path) if size < 1024 else None  # noqa: PLR2004 - a pointer is some 130 bytes
        total += pointer.n_bytes if pointer else size
        pointers += pointer is not None
        if len(weights) == 1:
            digest = pointer.digest if pointer else origin.digest(name)
    return total, digest, pointers


def _bare_weights(tree: Tree, folder: str, weights: Sequence[str], origin: Origin, card: Stated) -> Iterator[Found]:
    """Yield weights that no config explains, one a set of shards: a model, an adapter for pictures, a checkpoint."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in weights:
        groups[without_part(name)].append(name)
    for name, files in groups.items():
        path = below(folder, files[0])
        n_bytes, digest, _ = _measure(tree, folder, files, origin)
        found = _found(tree, path, origin, card, "weights without a config")
        sure = Confidence.MEDIUM if name.lower().endswith(".safetensors") else Confidence.LOW
        called = origin.name or name
        yield replace(
            found, name=called, n_bytes=n_bytes, digest=digest, confidence=min(sure, found.confidence, key=_rank)
        )


def _is_anybodys(tree: Tree, folder: str, name: str) -> bool:
    """Whether a file is called `model_3.bin` or so, and its first bytes are those of no format of weights."""
    if not (name.lower().startswith("model") and name.lower().endswith(".bin")):
        return False
    try:
        head = tree.head(below(folder, name), HEAD_BYTES)
    except Unreadable:
        return False
    return format_of(head, name) in {"unknown", "empty"} and not head.startswith(_GGML)


def _rank(confidence: Confidence) -> int:
    return list(Confidence).index(confidence)


def _adapter(tree: Tree, folder: str, weights: Sequence[str], origin: Origin, card: Stated) -> Found:
    stated, method = read_adapter(tree, below(folder, "adapter_config.json"))
    bases = stated.bases or card.bases
    n_bytes, digest, _ = _measure(tree, folder, weights, origin) if weights else (None, "", 0)
    detail = f"an adapter ({method})" + ("" if weights else " without weights")
    found = _found(tree, folder, origin, replace(card, bases=bases), detail)
    sure = found.confidence if weights else Confidence.MEDIUM
    return replace(found, n_bytes=n_bytes, digest=digest, confidence=sure)


def _quantized(tree: Tree, folder: str, listing: Listing, origin: Origin, card: Stated) -> Iterator[Found]:
    """Yield one finding a GGUF model: parts are one, and a projector or a draft belongs to its neighbours."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(listing.gguf):
        groups[without_part(name)].append(name)
    companions = [name for name in groups if is_companion(name)]
    models: list[Found] = []
    for name, files in groups.items():
        if name in companions:
            continue
        found, kind = describe_gguf(tree, below(folder, files[0]), origin, card)
        if kind in {"mmproj", "imatrix"}:
            companions.append(name)
            continue
        n_bytes, digest, _ = _measure(tree, folder, files, origin)
        parts = f" in {len(files)} parts" if len(files) > 1 else ""
        models.append(replace(found, n_bytes=n_bytes, digest=digest, detail=_and(f"GGUF{parts}", found.detail)))
    if companions and not models:
        found, _ = describe_gguf(tree, below(folder, groups[companions[0]][0]), origin, card)
        models.append(
            replace(found, confidence=Confidence.LOW, detail=_and("a companion without its model", found.detail))
        )
    elif companions:
        models = [
            replace(one, detail=_and(one.detail, f"with companion {', '.join(companions[:4])}")) for one in models
        ]
    yield from models


def describe_gguf(tree: Tree, path: str, origin: Origin, card: Stated) -> tuple[Found, str]:
    """Return what one GGUF file is, and its type: model, adapter, mmproj ..."""
    head = read_gguf_head(tree, path)
    if head is None:
        if pointer := read_pointer(tree, path):
            found = _found(tree, path, origin, card, "a Git LFS pointer")
            return replace(found, confidence=Confidence.MEDIUM, digest=pointer.digest), "model"
        return replace(
            _found(tree, path, origin, card, "its header cannot be read"), confidence=Confidence.LOW
        ), "model"
    stated, kind = head
    both = replace(stated, bases=stated.bases or card.bases, licence=stated.licence or card.licence)
    return _found(tree, path, origin, both, "an adapter" if kind == "adapter" else ""), kind


def _binary(tree: Tree, folder: str, names: Sequence[str]) -> list[str]:
    """Return the files that are no texts: Python's own `.pth`, plans and tasks of other programs are."""
    kept = []
    for name in names:
        try:
            head = tree.head(below(folder, name), 256) if name.lower().endswith(_TEXTS_TOO) else b"\0"
        except Unreadable:
            continue
        if b"\0" in head or not is_text(head) or head.startswith(b"version https://git-lfs"):
            kept.append(name)
    return kept


def _possible(tree: Tree, folder: str, listing: Listing, origin: Origin, stated: Stated) -> Found:
    """Return what may be a language model or anything else: ONNX, TensorRT, checkpoints of any kind."""
    first = listing.possible[0]
    n_bytes, digest, _ = _measure(tree, folder, listing.possible, origin)
    has_config = bool(stated.architecture) or bool(listing.tokenizers)
    more = f" and {len(listing.possible) - 1} more" if len(listing.possible) > 1 else ""
    found = _found(tree, folder, origin, stated, f"possibly a model: {first}{more}")
    sure = Confidence.MEDIUM if has_config else Confidence.LOW
    name = found.name if has_config or origin.name else first
    place = found.place if has_config else tree.place(below(folder, first))
    return replace(found, name=name, place=place, n_bytes=n_bytes, digest=digest, confidence=sure)


def _empty(tree: Tree, folder: str, origin: Origin, stated: Stated, what: str) -> Found:
    return replace(_found(tree, folder, origin, stated, what), confidence=Confidence.LOW)


def _and(first: str, second: str) -> str:
    return "; ".join(part for part in (first, second) if part)
