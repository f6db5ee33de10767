"""Which files of a listing are fetched whole, and which hold weights: from names and sizes alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.artefact import NotInspected
from weighbridge.errors import BadReference, NotFound
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import Listing, RemoteFile

__all__ = ["MOST_BYTES", "MOST_BYTES_OF_ONE", "choose_small", "gguf_models", "keep_one_model", "safetensors_files"]

MOST_FILES = 12  # with listing and headers, a first reading stays within 20 calls
MOST_BYTES_OF_ONE = 1 << 20
MOST_BYTES = 3 << 20

# in the order of their worth
_WANTED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"config\.json",
        r"(?:.*[-_. ])?(?:licen[sc]es?|copying|notice|unlicense|usage_policy)(?:[-_. ].*)?(?:\.(?:txt|md|rst))?",
        r"readme(?:\.md)?",
        r"generation_config\.json",
        r"tokenizer_config\.json",
        r"chat_template\.(?:jinja|json)",
        r"(?:hf_quant_config|quantize_config|quant_config|params|adapter_config|configuration)\.json",
        r".*\.index\.json",
        r".*\.py",
        r"(?:special_tokens_map|added_tokens|preprocessor_config|processor_config|video_preprocessor_config)\.json",
    )
)
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_PROJECTOR = re.compile(r"(^|[/_.-])mmproj[-_.]", re.IGNORECASE)
_LABEL = re.compile(r"(?:UD-)?(?:I?Q\d|TQ\d|B?F(?:16|32)|MXFP4|NVFP4)\w*", re.IGNORECASE)  # as llama.cpp names them
_MOST_NAMED = 6
_NO_LICENCE = re.compile(r".*\.(?:py|json|png|svg|safetensors|gguf|bin|pdf)", re.IGNORECASE)
_OF_LICENCES = 1  # its place among _WANTED


def choose_small(listing: Listing) -> list[RemoteFile]:
    """Return the files at the root that are fetched whole: at most MOST_FILES, MOST_BYTES_OF_ONE each, MOST_BYTES."""
    ranked = sorted(
        (rank, file.size, file.name)
        for file in listing.files.values()
        if file.size <= MOST_BYTES_OF_ONE and (rank := _rank(file.name)) is not None
    )
    chosen: list[RemoteFile] = []
    left = MOST_BYTES
    for _, size, name in ranked:
        if len(chosen) < MOST_FILES and size <= left:
            chosen.append(listing.files[name])
            left -= size
    return chosen


def safetensors_files(listing: Listing) -> list[RemoteFile]:
    """Return the safetensors files at the root, where a model's own weights are, sorted by name."""
    return [file for name, file in sorted(listing.files.items()) if "/" not in name and name.endswith(".safetensors")]


def gguf_models(listing: Listing) -> list[list[RemoteFile]]:
    """Return the GGUF models, each as its parts in order; projectors beside them are none."""
    models: dict[str, list[RemoteFile]] = {}
    for name, file in sorted(listing.files.items()):
        if name.lower().endswith(".gguf") and not _PROJECTOR.search(name):
            models.setdefault(_PART.sub(".gguf", name), []).append(file)
    return list(models.values())


def keep_one_model(listing: Listing, part: str) -> None:
    """Leave alone all GGUF models but the one that `part` names: a file, or a quantization such as `Q4_K_M`.

    Raises NotFound where none is named so, and BadReference where several are.
    """
    models = gguf_models(listing)
    meant = re.compile(rf"(?:^|[-_.])(?:UD-)?{re.escape(part)}(?:\.gguf|-\d{{5}}-of-|$)", re.IGNORECASE)
    found = [m for m in models if part in {file.name for file in m}]
    if not found and _LABEL.fullmatch(part):
        found = [m for m in models if meant.search(m[0].name.rpartition("/")[2])]
    if len(found) != 1:
        names = [model[0].name for model in found or models]
        shown = ", ".join(quote(name) for name in names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")
        if found:
            raise BadReference(f"{quote(part)} names {len(found)} models of {quote(listing.repository)}", hint=shown)
        have = f"it has {shown}" if names else "it has no GGUF files"
        raise NotFound(f"{quote(listing.repository)} has no GGUF model {quote(part)}", hint=have)
    for model in models:
        for file in model if model is not found[0] else ():
            del listing.files[file.name]
            listing.left_alone.append(NotInspected(file.name, "another model of the same repository"))


def _rank(name: str) -> int | None:
    """Return how much a file is wanted, 0 most; None for one that is not."""
    for rank, pattern in enumerate(_WANTED):
        if pattern.fullmatch(name) and not (rank == _OF_LICENCES and _NO_LICENCE.fullmatch(name)):
            return rank
    return None
