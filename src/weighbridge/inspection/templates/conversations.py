"""The conversations that a template is tried on, and the marks by which their parts are found again in the prompt."""

from __future__ import annotations

from typing import Any

__all__ = ["ASSISTANT", "CONVERSATIONS", "FIRST", "LAST", "LONG_END", "SYSTEM", "conversation"]

# words that stand in no template
SYSTEM, FIRST, ASSISTANT, LAST, LONG_END = "sysquorvex", "firsblimtor", "assimpradel", "lastovunkel", "endizarquim"
_FILLER = "lorwem ipsoum " * 1500  # a message of 21,000 characters
CONVERSATIONS = ("full", "parts", "plain", "long")


def conversation(name: str) -> list[dict[str, Any]]:
    """Return one of the conversations by its name; `parts` is `full` with contents as lists of parts."""
    full = [("system", SYSTEM), ("user", FIRST), ("assistant", ASSISTANT), ("user", LAST)]
    if name == "full":
        return [{"role": role, "content": text} for role, text in full]
    if name == "parts":
        return [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in full]
    if name == "plain":
        return [{"role": "user", "content": FIRST}]
    return [{"role": "user", "content": f"{FIRST} {_FILLER}{LONG_END}"}]
