"""Streams of server-sent events, gathered into the body that would have come whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["events_of", "gathered"]

_BORDER = re.compile(r"\r?\n\r?\n|\r\r")
_DATA = "data:"
_MOST_EVENTS = 100_000
_MOST_CALLS = 64
_TOGETHER = 128  # events that are parsed at once: a call of the parser costs as much as a short event


def events_of(body: bytes) -> Iterator[dict[str, Any]]:
    """Yield what the events say, as far as they are JSON objects; a last one that broke off is passed over."""
    text = body.decode("utf-8", "replace")
    events = _BORDER.split(text) if "\r" in text else text.split("\n\n")
    written = [data for event in events[:_MOST_EVENTS] if (data := _data_of(event)).startswith("{")]
    for start in range(0, len(written), _TOGETHER):
        yield from _parsed(written[start : start + _TOGETHER])


def _data_of(event: str) -> str:
    """Return the data of one event."""
    if event.startswith(_DATA) and "\n" not in event:
        return event[len(_DATA) :].strip()
    lines = (line[len(_DATA) :] for line in event.splitlines() if line.startswith(_DATA))
    return "\n".join(lines).strip()


def _parsed(written: list[str]) -> Iterator[dict[str, Any]]:
    """Parse several at once; one by one where that gives another number of objects, or is no JSON."""
    try:
        values = json.loads(f"[{','.join(written)}]")
    except (ValueError, RecursionError):
        values = []
    if len(values) != len(written):
        values = [value for one in written if (value := _value(one)) is not None]
    yield from (value for value in values if isinstance(value, dict))


def _value(written: str) -> Any:
    """Parse one; None for what is no JSON."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def gathered(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the whole body that a stream amounts to: `choices` with the first choice, or `output`; {} for neither."""
    choice, response = _Choice(), _Response()
    for event in events:
        choices = event.get("choices")
        if isinstance(choices, list):
            for one in choices:
                if isinstance(one, dict) and one.get("index", 0) == 0:
                    choice.take(one)
        elif isinstance(event.get("type"), str):
            response.take(event["type"], event)
    return choice.body() or response.body()


class _Choice:
    """The deltas of the first choice of chat or completions."""

    def __init__(self) -> None:
        self._seen = False
        self._finish: Any = None
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._calls: dict[object, tuple[list[str], list[str]]] = {}
        self._is_chat = False

    def take(self, choice: Mapping[str, Any]) -> None:
        """Take one event's part."""
        self._seen = True
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            _add(self._texts, choice.get("text"))
            return
        self._is_chat = True
        _add(self._texts, delta.get("content"))
        _add(self._refusals, delta.get("refusal"))
        listed = delta.get("tool_calls")
        for call in listed if isinstance(listed, list) else []:
            if isinstance(call, dict):
                self._take_call(call.get("index", 0), call.get("function"))
        self._take_call("function_call", delta.get("function_call"))

    def _take_call(self, key: Any, function: Any) -> None:
        """Take a piece of a call; pieces of one call bear one index."""
        if not isinstance(function, dict) or not isinstance(key, int | str):
            return
        if key not in self._calls and len(self._calls) >= _MOST_CALLS:
            return
        name, arguments = self._calls.setdefault(key, ([], []))
        _add(name, function.get("name"))
        _add(arguments, function.get("arguments"))

    def body(self) -> dict[str, Any]:
        """Return the body, empty where no choice came."""
        if not self._seen:
            return {}
        text = "".join(self._texts)
        if not self._is_chat:
            return {"choices": [{"text": text, "finish_reason": self._finish}]}
        calls = [
            {"function": {"name": "".join(name), "arguments": "".join(arguments)}}
            for name, arguments in self._calls.values()
        ]
        message = {"content": text, "refusal": "".join(self._refusals), "tool_calls": calls}
        return {"choices": [{"message": message, "finish_reason": self._finish}]}


class _Response:
    """The events of a response: the last one holds it whole, the ones before it in pieces."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._items: list[dict[str, Any]] = []
        self._texts: list[str] = []

    def take(self, kind: str, event: Mapping[str, Any]) -> None:
        """Take one event."""
        if kind == "response.output_text.delta":
            _add(self._texts, event.get("delta"))
        elif kind == "response.output_item.done" and isinstance(event.get("item"), dict):
            self._items.append(event["item"])
        elif kind in ("response.completed", "response.incomplete") and isinstance(event.get("response"), dict):
            self._whole = event["response"]

    def body(self) -> dict[str, Any]:
        """Return the body, empty where nothing came."""
        if isinstance(self._whole.get("output"), list) and self._whole["output"]:
            return self._whole
        items = self._items
        if not items and self._texts:
            items = [{"type": "message", "content": [{"type": "output_text", "text": "".join(self._texts)}]}]
        return {**self._whole, "output": items} if items else {}


def _add(texts: list[str], value: Any) -> None:
    """Add a piece of text."""
    if isinstance(value, str):
        texts.append(value)
