"""What happened to the chat template: its lines before and after, and what of a model's behaviour they touch."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inspection.templates.hidden import hidden_in
from weighbridge.inspection.templates.instructions import covert_words
from weighbridge.inspection.templates.known import is_published
from weighbridge.watch.diff.change import Change, named
from weighbridge.watch.diff.files import sides
from weighbridge.watch.diff.parts import part_of
from weighbridge.watch.diff.texts import json_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.watch.diff.parts import FileChanges
    from weighbridge.watch.snapshot import Snapshot

__all__ = ["TEMPLATE_FILE", "template_changes", "template_of", "unread_note"]

TEMPLATE_FILE = "chat_template.jinja"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_MOST_LINES, _MOST_CHARACTERS = 200, 20_000
_COMPARED = 4000  # lines; beyond them only digests are compared
_UNKNOWN = object()


def template_changes(changes: dict[Any, FileChanges], before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Yield a change of the template in force, or of its files where their text is not known."""
    own = changes.get("chat-template")
    weights = changes.get("weights")
    tokenizer = changes.get("tokenizer")
    touched = own or (tokenizer and _TOKENIZER_CONFIG in tokenizer.pairs)
    if not touched and not (weights and any(name.endswith(".gguf") for name in weights.pairs)):
        return
    old, new = template_of(before), template_of(after)
    evidence = named(own.pairs) if own else (_TOKENIZER_CONFIG,) if touched else named(weights.pairs if weights else ())
    if old is not _UNKNOWN and new is not _UNKNOWN and (old is None or isinstance(old, str)):
        if old != new:
            yield _compared(old, new if isinstance(new, str) else None, evidence)
        elif own:
            note = "the template in force is the same text; where it stands, or another one, differs"
            yield Change("chat-template", *sides(own), frozenset({"same-text"}), evidence=evidence, notes=(note,))
    elif own:
        note = "one side could not be read: the files are known by their digests alone"
        yield Change("chat-template", *sides(own), frozenset({"unread"}), Confidence.MEDIUM, evidence, (note,))


def unread_note(changes: dict[Any, FileChanges], before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Say that a template may have changed within a tokenizer's configuration that could not be read."""
    tokenizer = changes.get("tokenizer")
    if "chat-template" in changes or tokenizer is None or _TOKENIZER_CONFIG not in tokenizer.pairs:
        return ()
    if _UNKNOWN not in (template_of(before), template_of(after)):
        return ()
    return ("whether the chat template changed is not known: one side could not be read",)


def template_of(side: Snapshot) -> object:
    """Return the text of the template in force, None where there is none; another object where it is not known.

    A file of its own comes before the tokenizer's configuration, as in transformers.
    """
    revision = side.revision
    if revision is None:
        return _UNKNOWN
    if TEMPLATE_FILE in side.texts:
        return side.texts[TEMPLATE_FILE]
    if revision.chat_template is not None:
        return revision.chat_template
    if any(part_of(name) == "chat-template" or name.endswith(".gguf") for name in revision.files):
        return _UNKNOWN
    return _in_tokenizer_config(side) if _TOKENIZER_CONFIG in revision.files else None


def _in_tokenizer_config(side: Snapshot) -> object:
    config = json_of(side.texts.get(_TOKENIZER_CONFIG))
    if config is None:
        return _UNKNOWN
    said = config.get("chat_template")
    return said if said is None or isinstance(said, str) else json.dumps(said, ensure_ascii=False, sort_keys=True)


def _compared(old: str | None, new: str | None, evidence: tuple[str, ...]) -> Change:
    """Say which lines differ, what they speak of, and what a reviewer would not see."""
    lines, gone, came = _lines(old or "", new or "")
    touches = sorted({topic for topic, pattern in _topics() if any(pattern.search(line) for line in (*gone, *came))})
    traits = {f"touches-{topic}" for topic in touches}
    notes = []
    if new is not None and old is not None and not "".join(gone + came).strip():
        traits.add("white-space")
    for what, words in covert_words("\n".join(came)):
        traits.add("covert")
        notes.append(f"new words that no vendor writes: {what}: {words[:120]!a}")
    if new and {one.what for one in hidden_in(new)} - {one.what for one in hidden_in(old or "")}:
        traits.add("hidden")
        notes.append("the new template hides characters from the eye")
    if new is not None and is_published(new):
        notes.append("the new template is, letter for letter, a published one")
    traits |= {"added"} if old is None else {"removed"} if new is None else set()
    after = None if new is None else {**_said(new), "diff": lines, "touches": touches}
    return Change("chat-template", None if old is None else _said(old), after, frozenset(traits), evidence=evidence,
                  notes=tuple(notes))  # fmt: skip


def _said(text: str) -> dict[str, Any]:
    data = text.encode("utf-8", "replace")
    return {"sha256": hashlib.sha256(data).hexdigest(), "lines": text.count("\n") + 1, "bytes": len(data)}


def _lines(old: str, new: str) -> tuple[str, list[str], list[str]]:
    """Return a unified diff that an event can hold, and the lines that went and came."""
    left, right = (text.encode("utf-8", "replace").decode().splitlines()[:_COMPARED] for text in (old, new))
    rows = list(difflib.unified_diff(left, right, "before", "after", lineterm="", n=2))
    gone = [row[1:] for row in rows if row.startswith("-") and not row.startswith("---")]
    came = [row[1:] for row in rows if row.startswith("+") and not row.startswith("+++")]
    text = "\n".join(rows[:_MOST_LINES])[:_MOST_CHARACTERS]
    return text + ("\n[...]" if len(rows) > _MOST_LINES or len(text) == _MOST_CHARACTERS else ""), gone, came


@cache
def _topics() -> tuple[tuple[str, re.Pattern[str]], ...]:
    text = (files(__package__) / "topics.toml").read_text(encoding="utf-8")
    return tuple((row["topic"], re.compile(row["pattern"], re.IGNORECASE)) for row in tomllib.loads(text)["topic"])
