"""How bills name models: package URLs, addresses on hubs, group and name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from weighbridge.inventory.origin.names import is_repository

__all__ = ["text_in", "under_address", "under_purl"]

_LONGEST = 1000
_PURL = re.compile(r"pkg:huggingface/([^/?#@\s]+)/([^/?#@\s]+)(?:@([^?#\s]+))?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"https?://(?:www\.)?(huggingface\.co|hf\.co|modelscope\.cn/models|www\.modelscope\.cn/models)/([\w.-]+)/([\w.-]+)"
    r"(?:/(?:tree|resolve|blob|commit)/([\w.-]+))?"
)
_NO_MODELS = frozenset({"datasets", "spaces", "docs", "papers", "blog", "api", "collections", "organizations"})


def under_purl(purl: Any) -> str:
    """Return the hub reference that a package URL names, "" where it is of another type."""
    found = _PURL.match(text_in(purl))
    if found is None:
        return ""
    name = f"{unquote(found[1])}/{unquote(found[2])}"
    revision = unquote(found[3] or "")
    return f"hf:{name}" + (f"@{revision}" if revision else "") if is_repository(name) else ""


def under_address(address: Any) -> str:
    """Return the hub reference that an address names, "" where it is of another place."""
    found = _ADDRESS.match(text_in(address))
    if found is None or found[2] in _NO_MODELS:
        return ""
    hub = "ms" if "modelscope" in found[1] else "hf"
    return f"{hub}:{found[2]}/{found[3]}" + (f"@{found[4]}" if found[4] else "")


def text_in(value: Any) -> str:
    """Return a bounded text, "" for what is none."""
    return value[:_LONGEST].strip() if isinstance(value, str) else ""
