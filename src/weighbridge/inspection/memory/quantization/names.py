"""Match module names against the lists that quantized checkpoints declare: plain names, `*` globs, `re:` patterns.

A plain name stands for a module and all in it, wherever its dotted parts occur in a row: `lm_head`,
`model.layers.0.mlp.gate`, `visual`. A regular expression is matched in time linear in the name, or refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Names"]

_MOST = 200_000
_MOST_GLOBS = 64
_LONGEST = 512
_MOST_CHOICES = 4
_NUMBERED = re.compile(r"\bexperts\.([0-9]{1,6})(?=\.|$)")
_REGEX = "re:"
# what checkpoints put before the same layers, and the names of the same modules in DeepSeek's own code
_OUTER = ("model.", "language_model.", "text_model.", "backbone.", "thinker.", "llm.")
_SAME = {"ffn": "mlp", "attn": "self_attn", "head": "lm_head", "embed": "embed_tokens", "block_sparse_moe": "mlp"}
_OUTER_REGEX = re.compile(r"\^?(?:(?:model|language_model|text_model|backbone|thinker|llm)\\?\.(?![*+?]))*")
_ATOM = re.compile(
    r"(?:\(\?:|[()|]"  # groups; a quantifier may not follow one, see below
    r"|(?:\\[.dw_\-/]|\[\^?[A-Za-z0-9_.\\\-]{1,64}\]|[A-Za-z0-9_\-/.])[+?]?)"
)


class Names:
    """A compiled list of names and patterns. Raises Refused for what cannot be read."""

    def __init__(self, patterns: Iterable[object]) -> None:
        self._plain: set[str] = set()
        self._starts: set[str] = set()
        self._globs: list[list[str]] = []
        self._regexes: list[tuple[list[re.Pattern[str]], bool]] = []
        for number, pattern in enumerate(patterns):
            if not isinstance(pattern, str) or len(pattern) > _LONGEST or number >= _MOST:
                raise Refused("the list of modules is too long or holds what is no name")
            self._add(pattern)
        if len(self._globs) + len(self._regexes) > _MOST_GLOBS:
            raise Refused(f"more than {_MOST_GLOBS} patterns of modules are declared")
        self._numbered: dict[str, set[int]] = {}  # single experts, by the name of all of them
        for one in (*self._plain, *self._starts):
            if found := _NUMBERED.search(one):
                every = f"{one[: found.start(1)]}*{one[found.end(1) :]}".removesuffix(".")
                self._numbered.setdefault(every, set()).add(int(found[1]))
        self._lengths = sorted({len(start) for start in self._starts})

    def _add(self, pattern: str) -> None:
        if pattern.startswith(_REGEX):
            self._regexes.append(_linear(pattern[len(_REGEX) :]))
        elif "*" not in pattern:
            self._plain.add(_canonical(pattern))
        elif pattern.endswith("*") and pattern.count("*") == 1:
            self._starts.add(_canonical(pattern[:-1]))
        else:
            self._globs.append(_canonical(pattern).split("*"))

    def __bool__(self) -> bool:
        return bool(self._plain or self._starts or self._globs or self._regexes)

    def divides(self, name: str, copies: int) -> bool:
        """Whether the list names some numbered copies of a weight and not others."""
        own = _canonical(name.removesuffix(".weight"))
        numbers: set[int] = set()
        for run in _runs(own) if self._numbered and "*" in own else ():
            numbers |= self._numbered.get(run, set())
        return bool(numbers) and len(numbers) < copies

    def match(self, name: str) -> bool:
        """Whether the list names a module; `name` is that of its weight, and numbered copies stand for the first."""
        module = name.removesuffix(".weight").replace("*", "0")
        own = _canonical(module)
        return (
            any(own[:length] in self._starts for length in self._lengths)
            or (bool(self._plain) and not self._plain.isdisjoint(_runs(own)))
            or any(_is_glob(glob, own) for glob in self._globs)
            or any(_is_regex(regex, _strip(module)) for regex in self._regexes)
        )


def _strip(name: str) -> str:
    while outer := next((one for one in _OUTER if name.startswith(one)), None):
        name = name[len(outer) :]
    return name


def _canonical(name: str) -> str:
    return ".".join(_SAME.get(part, part) for part in _strip(name).split("."))


def _runs(name: str) -> Iterable[str]:
    """Yield every row of dotted parts of a name."""
    parts = name.split(".")
    for start in range(len(parts)):
        for stop in range(start + 1, len(parts) + 1):
            yield ".".join(parts[start:stop])


def _is_glob(pieces: list[str], name: str) -> bool:
    """Match the pieces between stars one after the other; a module that a glob names takes in all within it."""
    if not name.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = name.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    last = pieces[-1]
    return not last or name.endswith(last, at) or name.find(f"{last}.", at) >= 0


def _linear(pattern: str) -> tuple[list[re.Pattern[str]], bool]:
    """Split a regular expression at `.*` into pieces that have no star of their own; returns whether `$` ends it."""
    body = pattern[_matched(_OUTER_REGEX, pattern) :]
    is_whole = body.endswith("$") and not body.endswith("\\$")
    body = body.removesuffix("$") if is_whole else body
    pieces = re.split(r"(?<!\\)\.\*\??", body)
    if not all(map(_is_simple, pieces)) or _choices(body) > _MOST_CHOICES:
        raise Refused(f"the pattern {quote(pattern, 60)} of modules is not understood")
    try:
        return [re.compile(piece) for piece in pieces], is_whole
    except re.error:
        raise Refused(f"the pattern {quote(pattern, 60)} of modules is not understood") from None


def _is_simple(piece: str) -> bool:
    """Whether a piece is of known atoms, with alternatives in groups alone."""
    at = depth = 0
    while at < len(piece):
        step = _matched(_ATOM, piece, at)
        depth += {"(": 1, ")": -1}.get(piece[at], 0)
        if not step or (piece[at] == "|" and not depth):
            return False
        at += step
    return True


def _choices(body: str) -> int:
    """Bound the ways in which a pattern can be tried: each quantifier and each group multiplies them."""
    return len(re.findall(r"[+?)]", body.replace("(?:", "(")))


def _matched(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    found = pattern.match(text, at)
    return len(found.group()) if found else 0


def _is_regex(regex: tuple[list[re.Pattern[str]], bool], name: str) -> bool:
    """Match as `re.match` would: from the start, and to the end only where the pattern says so."""
    (first, *rest), is_whole = regex
    found = first.fullmatch(name) if is_whole and not rest else first.match(name)
    for number, piece in enumerate(rest, start=1):
        if found is None:
            return False
        at = found.end()
        if is_whole and number == len(rest):
            # the last piece may start anywhere after the one before it, and must reach the end
            return any(piece.fullmatch(name, start) for start in range(at, len(name) + 1))
        found = piece.search(name, at)
    return found is not None
