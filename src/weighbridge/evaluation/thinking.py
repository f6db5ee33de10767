"""Thinking: what a reasoning model wrote before its answer, taken off before a scorer reads the answer.

Servers that know the model report its reasoning apart. Others hand out one text with marks in it, which
`thinking.toml` lists by style. The text is read once, from left to right.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Outcome

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion

__all__ = ["Answer", "answer_part", "opens_thinking"]

_MAX_CHARACTERS = 4_000_000  # a million tokens; what stands behind is not read
_NEAR = 64  # characters within which blanks are looked for
_REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without its reasoning.

    `thinking` counts the characters of reasoning left out; `style` names how it was marked (`reported`: by the server;
    "" where there was none). `open` is True where the reasoning never ended, `prefilled` where it ended without having
    begun, since the chat template had opened it.
    """

    text: str
    thinking: int = 0
    style: str = ""
    open: bool = False
    prefilled: bool = False


def answer_part(completion: Completion) -> Answer:
    """Split the reasoning from the answer, in time linear in the text; raises nothing for any text."""
    answer = _split(completion.text[:_MAX_CHARACTERS])
    if not completion.thinking:
        return answer
    cut = completion.outcome is Outcome.TRUNCATED and not answer.text.strip()
    thinking = len(completion.thinking) + answer.thinking
    return Answer(answer.text, thinking, _REPORTED, open=cut or answer.open)


def opens_thinking(token: str) -> bool:
    """Say whether a token begins reasoning: a model that thinks has no letter to give yet."""
    token = token.strip()
    return len(token) > 1 and any(mark.startswith(token) for mark in _table().begin if not mark[0].isalpha())


@dataclass(frozen=True, slots=True)
class _Style:
    """One row of the table."""

    name: str
    closing: frozenset[str]
    prefilled: bool
    words: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """The styles by their marks, one pattern for all marks, and the frames of answers."""

    begin: dict[str, _Style]
    end: dict[str, _Style]
    marks: re.Pattern[str]
    before: tuple[str, ...]
    after: tuple[str, ...]
    calls: tuple[str, ...]


@cache
def _table() -> _Table:
    """Read the styles."""
    data: dict[str, Any] = tomllib.loads(files(__package__).joinpath("thinking.toml").read_text(encoding="utf-8"))
    begin: dict[str, _Style] = {}
    end: dict[str, _Style] = {}
    for row in data["style"]:
        closing = frozenset(row["closing"])
        style = _Style(row["name"], closing, row.get("prefilled", False), row.get("words", False))
        begin |= dict.fromkeys(row["opening"], style)
        end |= dict.fromkeys(closing, style)
    marks = sorted({*begin, *end}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, marks)))
    frame = data["frame"]
    return _Table(begin, end, pattern, tuple(frame["before"]), tuple(frame["after"]), tuple(data["calls"]["marks"]))


@dataclass(slots=True)
class _Reading:
    """A text as far as it was read: pieces kept, where the next begins, and the block that is open since `start`."""

    kept: list[str]
    place: int = 0
    start: int = 0
    inside: _Style | None = None
    last: _Style | None = None
    prefilled: bool = False


def _split(text: str) -> Answer:
    """Leave out every closed block of reasoning, and one that never ends where nothing stands before it."""
    table = _table()
    read = _read(text, table)
    never_ended = False
    if read.inside is None:
        read.kept.append(text[read.place :])
    elif read.inside.words or "".join(read.kept).strip():
        read.kept.append(text[read.start :])  # an answer that names the mark
    else:
        read.last = read.inside
        called = [at for mark in table.calls if (at := text.find(mark, read.start)) >= 0]
        never_ended = not called
        read.kept.append(text[min(called) :] if called else "")
    shown = "".join(read.kept)
    if read.last is None:
        return Answer(shown)
    left_out = len(text) - len(shown)
    return Answer(_unframed(shown, table), left_out, read.last.name, open=never_ended, prefilled=read.prefilled)


def _read(text: str, table: _Table) -> _Reading:
    """Go from mark to mark; inside a block only its own closing mark counts."""
    read = _Reading([])
    for mark in table.marks.finditer(text):
        at, said = mark.span(), mark[0]
        if read.inside is not None:
            if said in read.inside.closing:
                read.place, read.last, read.inside = at[1], read.inside, None
        elif style := table.begin.get(said):
            if not style.words or _blank(text, 0, at[0]):
                read.kept.append(text[read.place : at[0]])
                read.start, read.inside = at[0], style
        elif read.last is None and table.end[said].prefilled:
            read.kept, read.place, read.last, read.prefilled = [], at[1], table.end[said], True
        elif read.last is table.end[said] and _blank(text, read.place, at[0]):
            read.place = at[1]  # the closing mark said twice
    return read


def _blank(text: str, start: int, end: int) -> bool:
    """Say whether nothing but a few blanks stands between two places; looks at a bounded piece."""
    return end - start <= _NEAR and not text[start:end].strip()


def _unframed(text: str, table: _Table) -> str:
    """Take the marks around an answer off, each once."""
    text = text.strip()
    for mark in table.before:
        text = text.removeprefix(mark).lstrip()
    for mark in reversed(table.after):
        text = text.removesuffix(mark).rstrip()
    return text
