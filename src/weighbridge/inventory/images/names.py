"""Tell archives by their names."""

from __future__ import annotations

import re

__all__ = ["is_archive", "is_opened"]

_OPENED = re.compile(r"(?i)\.(?:tar|tgz|tar\.(?:gz|zst|bz2|xz)|zip|ova|whl|egg|jar|war|ear|aar|pyz|nupkg|vsix)$")
_CLOSED = re.compile(
    r"(?i)\.(?:7z|rar|iso|img|qcow2|vmdk|vhdx?|squashfs|sqfs|sif|dmg|rpm|deb|apk|msi|cab|lz4|lzma|zst|xz|bz2|gz)$"
)


def is_opened(name: str) -> bool:
    """Whether a file's name is that of an archive which is searched."""
    return _OPENED.search(name) is not None


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive, one that is searched or one that is only told of."""
    return is_opened(name) or _CLOSED.search(name) is not None
