"""What instructions count: sentences, words, bullets, placeholders, highlights. One pass over the text each."""

from __future__ import annotations

import re

__all__ = [
    "bullets",
    "capital_words",
    "highlights",
    "paragraphs_between_stars",
    "placeholders",
    "sections",
    "sentences",
    "titles",
    "words",
]

_END = re.compile(
    r"[.!?\u2026]{1,20}[\"'\u201d\u2019)\]*_]{0,4}(?=\s|$)|[\u3002\uff01\uff1f\u0964]{1,20}[\u201d\u300d]?"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:Mrs?|Ms|Dr|Prof|St|Sr|Jr|Capt|Lt|Gen|Rev|Hon|vs|etc|e\.g|i\.e|cf|al|Fig|No|Inc|Ltd|Co|Corp"
    r"|a\.m|p\.m|approx|[A-Z](?:\.[A-Z])*)$"
)
_MAY_END = frozenset({"etc", "a.m", "p.m", "Inc", "Ltd", "Co", "Corp", "Jr", "Sr"})  # may end a sentence as well


def sentences(text: str) -> int:
    """Count sentences, much as NLTK's Punkt does: an end and a gap, and no abbreviation before it."""
    count, start = 0, 0
    for match in _END.finditer(text):
        if text[match.start()] == "." and not _ends(text, match):
            continue
        if any(map(str.isalnum, text[start : match.start()])):
            count += 1
        start = match.end()
    return count + any(map(str.isalnum, text[start:]))


def _ends(text: str, match: re.Match[str]) -> bool:
    """Say whether a full stop ends a sentence."""
    following = text[match.end() : match.end() + 40].lstrip()[:1]
    if match[0].startswith(".."):
        return not following.islower()
    before = _ABBREVIATION.search(text[max(0, match.start() - 20) : match.start()])
    if before is None:
        return True
    return before[0].strip(" (\"'\n\t") in _MAY_END and not following.islower()


def words(text: str) -> int:
    """Count runs of letters, digits and underscores, as IFEval does."""
    return len(re.findall(r"\w+", text))


def capital_words(text: str) -> int:
    """Count words without a small letter: "NASA", "I", "U.S.", "TOP-SECRET"."""
    return sum(word.isupper() for word in re.findall(r"\w[\w.'\u2019-]*", text))


def bullets(text: str) -> int:
    """Count lines that begin with `*` (not `**`) or `-`."""
    lines = [line.lstrip() for line in text.split("\n")]
    return sum(line.startswith("-") or (len(line) > 1 and line[0] == "*" and line[1] != "*") for line in lines)


def placeholders(text: str) -> int:
    """Count `[...]` on one line."""
    count = 0
    for line in text.split("\n"):
        start = line.find("[")
        while start >= 0 and (end := line.find("]", start)) >= 0:
            count += 1
            start = line.find("[", end + 1)
    return count


def highlights(text: str) -> int:
    """Count `*highlighted*` and `**highlighted**` sections with something in them, as IFEval does."""
    single = [found[1:-1] for found in re.findall(r"\*[^\n*]*\*", text)]
    double = [found[2:-2] for found in re.findall(r"\*\*[^\n*]*\*\*", text)]
    return sum(bool(found.strip()) for found in (*single, *double))


def sections(text: str, splitter: str) -> int:
    """Count the beginnings of sections: the splitter with a number."""
    return len(re.findall(rf"{re.escape(splitter)}\s?\d+", text))


def paragraphs_between_stars(text: str) -> int | None:
    """Count paragraphs between `***`; None where one but the first and the last is empty."""
    pieces = [piece.strip() for piece in text.split("***")]
    if any(not piece for piece in pieces[1:-1]):
        return None
    return sum(bool(piece) for piece in pieces)


def titles(text: str) -> int:
    """Count lines with a title in double angular brackets."""
    count = 0
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        count += 0 <= start < end and bool(line[start:end].strip("<>").strip())
    return count
