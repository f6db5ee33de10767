"""The cells that every reader of answers gives, by the names that tables of answers have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.errors import UsageError
from weighbridge.evaluation.detector.flags import CUT
from weighbridge.evaluation.imports.reading import message_text, text_of
from weighbridge.evaluation.labels.answers import language_tag
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["answer_cells", "chat_in", "part_of"]

_CARRIED = {"language": ("language", "lang"), "class": ("class",), "topic": ("topic",), "about": ("about",),
            "form": ("form",)}  # fmt: skip
_MAX_CHAT = 6 << 20


def answer_cells(
    name: str,
    prompt: str,
    answer: str,
    *,
    finish: Any = "",
    error: Any = "",
    reasoning: str | None = None,
    model: Any = "",
    said: tuple[Any, ...] = (),
) -> dict[str, Any]:
    """Return one row: id, prompt, answer, finish_reason, error, model, reasoning where the format has a place for it.

    `said` are objects in which the tool's user may have put language, class, topic, about or form; the first counts.
    """
    ended = text_of(finish)
    cells: dict[str, Any] = {
        "id": name,
        "prompt": prompt,
        "answer": answer,
        "finish_reason": "length" if ended in CUT else ended,
        "error": text_of(error),
        "model": text_of(model),
    }
    if reasoning is not None:
        cells["reasoning"] = reasoning
    for what, names in _CARRIED.items():
        found = next((text for holder in said for one in names if (text := _text_in(holder, one))), "")
        if found and (what != "language" or _is_tag(found)):
            cells[what] = found
    return cells


def _text_in(holder: Any, name: str) -> str:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""


def _is_tag(text: str) -> bool:
    """Say whether a language is a tag; a benchmark of code writes `Python` there."""
    try:
        language_tag(text)
    except UsageError:
        return False
    return True


def chat_in(text: str, place: str) -> str:
    """Return the last user message of a chat that is written as JSON in a text; any other text as it is.

    Raises DamagedFile where the text begins as a chat and is none.
    """
    if not text.startswith(('[{"role"', '[\n  {\n    "role"', '[{ "role"')):
        return text
    return message_text(parse_json(text.encode("utf-8", "replace"), place, max_bytes=_MAX_CHAT))


def part_of(messages: Any, kinds: Mapping[str, str]) -> str | None:
    """Return the text of the parts of some kinds in the last message of the model: type -> key of the text.

    None where the message is no list of parts; "" where it is, and has none of these.
    """
    last = messages[-1] if isinstance(messages, list) and messages else messages
    content = last.get("content") if isinstance(last, dict) else None
    if not isinstance(content, list):
        return None
    parts = [(kinds.get(text_of(part.get("type"))), part) for part in content if isinstance(part, dict)]
    texts = [part.get(key) for key, part in parts if key is not None]
    return "\n".join(text for text in texts if isinstance(text, str))
