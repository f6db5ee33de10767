"""Judge what the simulated pickle machine would import, call and change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.pickles.values import Data, Name, Use, show
from weighbridge.formats.place import quote
from weighbridge.inspection.safety.names import Standing, holds_nested, judge_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PickleJudge", "Said"]

_MOST_SAID = 12
_MOST_NESTED = 16
_PLACE = re.compile(r"(?:/|~|\.\.?/|[A-Za-z]:\\|[a-z][a-z0-9+.]{1,9}://)")
_EFFECTS = tuple(Effect)
_HIDDEN = Standing(Effect.RUNS_CODE, Severity.HIGH, Confidence.MEDIUM, "")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing to report: its standing and the sentence."""

    standing: Standing
    message: str
    at: int


@dataclass(slots=True)
class PickleJudge:
    """Takes uses, one at a time, and keeps the worst; `nested` are bytes that loading would load in turn."""

    nested: list[Data | bytes] = field(default_factory=list)
    more: int = 0
    _said: dict[str, Said] = field(default_factory=dict)
    _known: dict[Name, Standing] = field(default_factory=dict)

    def tell(self, use: Use) -> None:
        """Judge one use; what only builds data is passed over."""
        if use.name is None:
            self._tell_nameless(use)
            return
        standing = self._known.get(use.name)
        if standing is None:
            standing = judge_name(use.name)
            if len(self._known) < 4096:  # noqa: PLR2004 - a bound on memory, not on what is judged
                self._known[use.name] = standing
        if use.kind == "change":
            self._say(f"change {use.name.text}", _HIDDEN, f"changes {_named(use.name)} itself", use.at)
        elif use.kind == "call" and holds_nested(use.name):
            self._nest(use.arguments)
        elif use.kind == "pass":
            if holds_nested(use.name):
                message = f"hands {_named(use.name)}, which loads a pickle, to another call"
                self._say("pass", _HIDDEN, message, use.at)
        elif use.kind == "call" and standing.effect is Effect.ASKS_TRUST and _names_place(use.arguments):
            standing = replace(_HIDDEN, why="which asks for trust, and is given a path or an address")
            self._say(use.name.text, standing, _sentence(use, standing), use.at, is_call=True)
        elif standing.effect is not None:
            self._say(use.name.text, standing, _sentence(use, standing), use.at, is_call=use.kind != "name")

    def said(self) -> Iterator[Said]:
        """Yield what is to be reported, the worst first."""
        yield from sorted(self._said.values(), key=lambda one: (_EFFECTS.index(_effect(one)), one.at))

    def _tell_nameless(self, use: Use) -> None:
        if use.kind == "registry":
            message = f"takes number {show(use.arguments[0])} of the extension registry, which may be any class"
        elif use.kind == "name":
            message = "imports a name that is put together only while it is loaded"
        elif use.kind in {"call", "new"}:
            message = f"calls something that an earlier call gave it, with {show(use.arguments)}"
        else:
            return
        self._say(f"{use.kind} ?", _HIDDEN, message, use.at)

    def _nest(self, arguments: Any) -> None:
        """Keep bytes that are loaded in turn; where they cannot be told, say so."""
        value = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if isinstance(value, Data | bytes) and len(self.nested) < _MOST_NESTED:
            self.nested.append(value)
        else:
            self._say("nested", _HIDDEN, "loads bytes of its own in turn, which could not be followed", 0)

    def _say(self, key: str, standing: Standing, message: str, at: int, *, is_call: bool = False) -> None:
        """Keep one sentence for each name, that of a call before that of an import, the worst where there are many."""
        if key in self._said:
            if is_call and " calls " not in f" {self._said[key].message}":
                self._said[key] = Said(standing, message, at)
            return
        if len(self._said) >= _MOST_SAID:
            self.more += 1
            mildest = max(self._said, key=lambda one: _EFFECTS.index(_effect(self._said[one])))
            if _EFFECTS.index(_effect(self._said[mildest])) <= _EFFECTS.index(standing.effect or Effect.UNKNOWN):
                return
            del self._said[mildest]
        self._said[key] = Said(standing, message, at)


def _names_place(arguments: Any) -> bool:
    """Whether a text among the arguments is a path or an address: a class that is given one may read or write there."""
    return isinstance(arguments, tuple) and any(isinstance(one, str) and _PLACE.match(one) for one in arguments)


def _effect(said: Said) -> Effect:
    return said.standing.effect or Effect.UNKNOWN


def _named(name: Name) -> str:
    return quote(name.text)


def _sentence(use: Use, standing: Standing) -> str:
    if use.kind == "name" or use.name is None:
        return f"imports {quote(use.name.text if use.name else '?')}, {standing.why}"
    verb = {"call": "calls", "new": "makes", "build": "sets the state of"}[use.kind]
    arguments = "" if use.kind == "build" else f" with {show(use.arguments)}"
    return f"{verb} {_named(use.name)}{arguments}, {standing.why}"
