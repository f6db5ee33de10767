"""Read one text: which of its lines name a model, with the pin that stands beside the name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.bounds import CATALOGUE
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.texts.candidates import find_candidates
from weighbridge.inventory.texts.forms import words_of
from weighbridge.inventory.texts.judge import Judge
from weighbridge.inventory.texts.keys import key_before
from weighbridge.inventory.texts.lists import read_rows
from weighbridge.inventory.texts.spots import find_spots
from weighbridge.inventory.texts.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.inventory.texts.candidates import Candidate
    from weighbridge.inventory.texts.forms import Named
    from weighbridge.inventory.texts.keys import Key
    from weighbridge.inventory.texts.names import Kind
    from weighbridge.knowledge.protocol import Known

__all__ = ["Text", "TextSearch"]

_MOST_JUDGED = 20_000  # strings of the shape of a name in one text, whose keys are looked for
_AROUND = 300
_MOST_FOUND = 1000
_COMMENT = re.compile(r"^\s*(?:#|//|--\s|\*|/\*|<!--|;|REM\b|%)|^\s*\"\s*(?:#|//)")
_TRAILING = re.compile(r"\s(?:#|//)\s")
_ASIDE = re.compile(
    r"(?i)(?:^|[/_.-])(?:tests?|specs?|testdata|fixtures?|conftest|docs?|examples?|samples?|readme|changelog|mock)(?:[/_.-]|$)"
)
_PIN = re.compile(
    r"(?:--(?:code-)?revision[=\s\"',-]{1,8}|\b(?:revision|commit_hash|model_revision|hf_revision)[\"']?\s?[:=]\s?[\"']?)([0-9A-Za-z][\w./-]{0,99})"
)
_MODELSCOPE = re.compile(rb"(?:from|import)\s+modelscope|VLLM_USE_MODELSCOPE\s?=\s?[\"']?(?:1|[Tt]rue)|modelscope://")
_DATA = re.compile(r"(?i)repo[-_]type[\s=:\"']{1,4}(?:datasets?|spaces?)\b|--dataset\b")
_OTHER = re.compile(r"(?:from_pretrained|\b(?:repo_id|model_id|model|name)[\"']?\s?[:=]|--model\b)")
_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n.{0,300000}?\n---[ \t]*\r?\n", re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:/|u00([2-6][0-9A-Fa-f]|7[0-9A-Ea-e]))")
_NEAR = 6  # lines below a name in which its pin may stand


@dataclass(slots=True)
class _Seen:
    """What one file names so far, by name and reference, in the order of the lines."""

    named: dict[tuple[str, str], tuple[int, Named]] = field(default_factory=dict)
    more: dict[tuple[str, str], int] = field(default_factory=dict)
    judged: int = 0

    def add(self, line: int, named: Named) -> None:
        place = (named.name, named.reference)
        if place not in self.named:
            self.named[place] = line, named
            return
        first, best = self.named[place]
        self.more[place] = self.more.get(place, 0) + (line != first)
        order = list(Confidence)
        if order.index(named.confidence) > order.index(best.confidence):
            self.named[place] = first, named


@dataclass(frozen=True, slots=True)
class Text:
    """One text: its bytes, its place as people read it, and its kind.

    `path` is its path under what is searched, which tells tests and examples.
    """

    data: bytes
    place: str
    kind: Kind
    path: str = ""


class TextSearch:
    """Searches texts with one set of tables."""

    def __init__(self, known: Known) -> None:
        self._judge = Judge(known)
        stems = (stem for family in known.families for word in family.pattern.split() for stem in _stems(word))
        makers = (f"{name}/" for name in known.organisations)
        self._words = Words(
            [*words_of("in_names"), *stems, *makers], [*words_of("before_names"), "hf download", "lms get "]
        )

    def search(self, texts: Sequence[Text]) -> Iterator[Found | Unsearched]:
        """Yield the models that texts name, each with its first line; many small texts at once cost less.

        A card's front matter, which names bases, is read with the weights.
        """
        datas = [_readable(text) for text in texts]
        for text, data, places in zip(texts, datas, self._words.places(datas), strict=True):
            rows = list(read_rows(text.path or text.place, data))
            if places or rows:
                yield from self._read(text, data, places, rows)
            elif not data and text.data:
                yield Unsearched(text.place, "is no text, though named like one")

    def _read(
        self, text: Text, data: bytes, places: Sequence[tuple[int, bool]], rows: Sequence[tuple[int, Candidate, Key]]
    ) -> Iterator[Found | Unsearched]:
        """Read a text closely around some places, beside the rows of a list that it may be."""
        seen, lines = _Seen(), None
        place, hub = text.place, _hub_of(data)
        for number, one, key in rows[:_MOST_FOUND]:
            if named := self._judge.judge(one, key, hub):
                seen.add(number, named)
        is_cut = len(rows) > _MOST_FOUND
        for spot in find_spots(data, places):
            if spot.number < 0 or seen.judged > _MOST_JUDGED:
                yield Unsearched(place, "holds more words of models than are read closely")
                break
            if spot.window:
                self._line([spot.window], 0, spot.number, hub, seen)
                continue
            lines = lines if lines is not None else data.decode("utf-8", "replace").split("\n")
            self._line(lines, spot.number, spot.number, hub, seen)
            if len(seen.named) >= _MOST_FOUND:
                is_cut = True
                break
        if is_cut:
            yield Unsearched(place, f"names more than {_MOST_FOUND:,} models")
        yield from _report(seen, place, text.kind, text.path or place)

    def _line(self, lines: Sequence[str], at: int, number: int, hub: str, seen: _Seen) -> None:
        """Read line `at` closely, which is line `number` of the file."""
        text = lines[at]
        for one in find_candidates(text):
            if not self._judge.may_be(one):
                continue
            seen.judged += 1
            key = key_before(lines, at, one.start)
            named = self._judge.judge(one, key, hub)
            if named is None or (key.word != "from_pretrained" and _is_data(lines, at, one.start)):
                continue
            named = _pinned(named, lines, at, one)
            if _COMMENT.match(text) or _TRAILING.search(text[: one.start]):
                named = replace(named, confidence=_less(named.confidence), detail=_and(named.detail, "in a comment"))
            seen.add(number, named)


def _stems(word: str) -> list[str]:
    """Return what a word of a family's pattern looks like in a text: `#` is a digit."""
    plain = word.strip("^$")
    return [plain.replace("#", str(digit), 1).replace("#", "") for digit in range(10)] if "#" in plain else [plain]


def _hub_of(data: bytes) -> str:
    """Return the hub that a program loads from by default."""
    is_named = b"modelscope" in data or b"MODELSCOPE" in data
    return "ms" if is_named and _MODELSCOPE.search(data) else "hf"


def _readable(text: Text) -> bytes:
    r"""Return a text as UTF-8 without the front matter of a model's card, b"" where it is none.

    What begins with a mark of UTF-16 is read as that; other codings keep their ASCII. Escapes of JSON for signs that
    names hold (`\/`, `\u002d`) are read as these.
    """
    data = text.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    if data.find(b"\0", 0, 4096) >= 0:
        return b""
    if text.kind != "document" and b"\\" in data:
        data = _ESCAPED.sub(_unescaped, data)
    if text.kind == "model" and (front := _FRONT.match(data)):
        return b"\n" * front[0].count(b"\n") + data[front.end() :]
    return data


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)]) if found[1] else b"/"


def _is_data(lines: Sequence[str], number: int, start: int) -> bool:
    """Whether the call or command that a name stands in asks for a data set or a space, not a model.

    What a comment says does not count, nor what stands behind the end of the call.
    """
    behind, is_closed = _arguments(_TRAILING.split(lines[number][start : start + _AROUND], maxsplit=1)[0])
    before = lines[number][max(0, start - _AROUND) : start]
    if _DATA.search(behind) or _DATA.search(before[before.rfind(";") + 1 :]):
        return True
    if is_closed:
        return False
    for line in lines[number + 1 : number + _NEAR]:
        if ")" in line or "(" in line or not line.strip():
            return _DATA.search(line.partition(")")[0]) is not None and "(" not in line
        if _DATA.search(line[:_AROUND]):
            return True
    return False


def _arguments(text: str) -> tuple[str, bool]:
    """Return a text up to the bracket that closes the call it begins in, and whether there is one."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return text[:at], True
    return text, False


def _pinned(named: Named, lines: Sequence[str], number: int, one: Candidate) -> Named:
    """Return a name with the revision that is given beside it, in the same call or the same mapping."""
    if not named.reference or "@" in named.reference or one.part:
        return named
    below = lines[number][one.start :][: _AROUND * 2]
    found = _PIN.search(below)
    if found is None:
        found = _pin_near(lines, number)
    return replace(named, reference=f"{named.reference}@{found[1]}") if found else named


def _pin_near(lines: Sequence[str], number: int) -> re.Match[str] | None:
    """Return a pin in the lines below, as far as the call or mapping goes that the name stands in."""
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    is_open = line.rstrip().endswith((",", "(", "\\")) or ":" in line
    for lower in lines[number + 1 : number + 1 + _NEAR]:
        if not is_open or not lower.strip() or len(lower) - len(lower.lstrip()) < indent or _OTHER.search(lower):
            return None
        if (found := _PIN.search(lower[:_AROUND])) is not None:
            return found
    return None


def _report(seen: _Seen, place: str, kind: Kind, path: str) -> Iterator[Found]:
    """Yield what a file names, the sure first lines of it; tests, documents and comments say less."""
    is_catalogue = len(seen.named) > CATALOGUE
    is_quiet = kind == "model" or is_catalogue
    is_aside = kind == "document" or _ASIDE.search(path) is not None
    for key, (number, named) in seen.named.items():
        notes = [named.detail]
        notes.append("beside a model's own files" if kind == "model" else "")
        notes.append(
            "in a document" if kind == "document" else "in a test or an example" if is_aside and kind != "model" else ""
        )
        notes.append(f"one of {len(seen.named)} that the file lists" if is_catalogue else "")
        notes.append(f"and {seen.more[key]} lines more" if seen.more.get(key) else "")
        sure = Confidence.LOW if is_quiet else _less(named.confidence) if is_aside else named.confidence
        yield Found(
            way="configuration" if kind == "configuration" else "code",
            place=f"{place}:{number + 1}",
            name=named.name,
            confidence=sure,
            reference=named.reference,
            detail="; ".join(note for note in notes if note),
        )


def _and(first: str, second: str) -> str:
    return f"{first}; {second}" if first else second


def _less(confidence: Confidence) -> Confidence:
    return Confidence.MEDIUM if confidence is Confidence.HIGH else Confidence.LOW
