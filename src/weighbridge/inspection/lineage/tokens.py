"""Compare vocabularies: the same token under every id, or a prefix of equal ids and more behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.kinds.lineage import TokenizerBody
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile, read_small
from weighbridge.formats.cursor import Cursor
from weighbridge.formats.gguf import Omitted
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.gguf import GGUFHeader
    from weighbridge.inspection.folder import Folder
    from weighbridge.inspection.lineage.tensors import Tensors

__all__ = ["compare_tokenizers", "read_tokens"]

_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "qwen.tiktoken", "tiktoken.model")
_GGUF_TOKENS = "tokenizer.ggml.tokens"
_MAX_TOKENS = 1_000_000
_MAX_TOKEN_BYTES = 65_536
_MAX_JSON_BYTES = 32 << 20
_MAX_HEADER_BYTES = 512 << 20
_MAX_VOCABULARY_BYTES = 32 << 20  # the largest known, of 262,144 tokens, takes 5 MB


def compare_tokenizers(
    artefact: Artefact, base: Artefact, own: Sequence[bytes] | None, other: Sequence[bytes] | None
) -> TokenizerBody:
    """Compare two vocabularies by their tokens, or where these cannot be read by equal tokenizer files."""
    if own and other:
        shorter = min(len(own), len(other))
        prefix = next((at for at in range(shorter) if own[at] != other[at]), shorter)
        counts = {"tokens": len(own), "base_tokens": len(other), "equal_prefix": prefix}
        if prefix < shorter:
            return TokenizerBody(verdict="differs", **counts)
        if len(own) == len(other):
            return TokenizerBody(verdict="identical", **counts)
        return TokenizerBody(verdict="superset" if len(own) > len(other) else "subset", **counts)
    digests = {file.name: file.sha256 for file in base.files if file.name in _FILES}
    same = [file.name for file in artefact.files if digests.get(file.name) == file.sha256]
    return TokenizerBody(
        verdict="identical" if same else "cannot tell",
        tokens=len(own) if own else None,
        base_tokens=len(other) if other else None,
    )


def read_tokens(folder: Folder, tensors: Tensors) -> list[bytes] | None:
    """Return the tokens by id from GGUF metadata, tokenizer.json or vocab.json; None where none can be read."""
    try:
        if tensors.gguf is not None:
            return _from_gguf(tensors.gguf)
        for name in ("tokenizer.json", "vocab.json"):
            if name in folder and folder.is_readable(name) and (tokens := _from_json(folder, name)):
                return tokens
    except DamagedFile:
        return None
    return None


def _from_gguf(header: GGUFHeader) -> list[bytes] | None:
    """Read the vocabulary that the header's reader passed over."""
    value = header.metadata.get(_GGUF_TOKENS)
    if isinstance(value, tuple):
        return [token.encode("utf-8") for token in value if isinstance(token, str)]
    if not isinstance(value, Omitted) or value.length > _MAX_TOKENS:
        return None
    with BoundedFile(header.path) as file:
        cursor = Cursor(file, _MAX_HEADER_BYTES)
        cursor.skip(value.at, "the vocabulary")
        tokens = []
        for _ in range(value.length):
            length = int(cursor.number("<Q", "the vocabulary"))
            if length > _MAX_TOKEN_BYTES or cursor.at - value.at > _MAX_VOCABULARY_BYTES:
                return None
            tokens.append(cursor.take(length, "the vocabulary"))
    return tokens


def _from_json(folder: Folder, name: str) -> list[bytes] | None:
    """Read `model.vocab` and `added_tokens` of a tokenizer.json, or a vocab.json; ids must be 0, 1, 2 ... ."""
    try:
        value = parse_json(read_small(folder.path(name), _MAX_JSON_BYTES), name, max_bytes=_MAX_JSON_BYTES)
    except DamagedFile:
        return None  # too large to unfold here: another file may hold the same
    if not isinstance(value, dict):
        return None
    model = value.get("model")
    vocabulary = value if name == "vocab.json" else model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, list):  # Unigram: pairs of token and score, in the order of ids
        by_id = {at: pair[0] for at, pair in enumerate(vocabulary) if isinstance(pair, list) and pair}
    elif isinstance(vocabulary, dict):
        by_id = {at: token for token, at in vocabulary.items() if type(at) is int}
    else:
        return None
    added = value.get("added_tokens") if name == "tokenizer.json" else None
    for token in added if isinstance(added, list) else ():
        if isinstance(token, dict) and type(token.get("id")) is int:
            by_id[token["id"]] = token.get("content")
    tokens = []
    for at in range(len(by_id)):
        token = by_id.get(at)
        if not isinstance(token, str):
            break  # a hole: ids behind it are not compared
        tokens.append(token.encode("utf-8"))
    return tokens or None
