"""Which files of a listing are fetched whole, and which hold weights: from names and sizes alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.hub.remote.listing import Listing, RemoteFile

__all__ = ["MOST_BYTES", "MOST_BYTES_OF_ONE", "choose_small", "gguf_files", "safetensors_files"]

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


def gguf_files(listing: Listing) -> list[RemoteFile]:
    """Return all GGUF files, sorted by name."""
    return [file for name, file in sorted(listing.files.items()) if name.lower().endswith(".gguf")]


def _rank(name: str) -> int | None:
    """Return how much a file is wanted, 0 most; None for one that is not."""
    for rank, pattern in enumerate(_WANTED):
        if pattern.fullmatch(name) and not (rank == _OF_LICENCES and _NO_LICENCE.fullmatch(name)):
            return rank
    return None
