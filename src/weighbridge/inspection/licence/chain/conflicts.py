"""Conflicts between the sources of a licence, each by name. Which side is right is for a human."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.kinds.licence import ConflictBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.licence.chain.sources import Source

__all__ = ["conflicts_among"]

_HEAD_LINES = 3
_MARKUP = re.compile(r"[#*`>_\s]+")
_TITLES = {
    "mit": re.compile(r"(?:the )?mit licen[sc]e(?: \(mit\))?$", re.IGNORECASE),
    "apache-2.0": re.compile(r"apache licen[sc]e(?:,? version 2\.0)?$", re.IGNORECASE),
}
_NO_COMMERCE = re.compile(r"non-?commercial|非商业", re.IGNORECASE)
_BUILT_FROM = {"altered", "rider"}


def conflicts_among(sources: list[Source]) -> list[ConflictBody]:
    """Return what cannot be right together: text, title, tag, base models."""
    texts = [source for source in sources if source.force.role == "weights"]
    tags = [source for source in sources if source.force.role == "tag"]
    bases = [source for source in sources if source.force.role == "base" and source.reading.licence is not None]
    found: list[ConflictBody] = []
    for text in texts:
        found += [*_of_text(text), *_text_and_tag(text, tags)]
        for base in bases:
            found += _text_and_base(text, base)
    for base in bases:
        found += _tag_and_base(tags, base)
    return list(dict.fromkeys(found))


def _of_text(text: Source) -> Iterator[ConflictBody]:
    """Yield where a text is not what it is headed, or not whole."""
    force = text.force
    near = force.licence or force.nearest
    if force.verdict in _BUILT_FROM:
        what = force.differences[0].text[:120] if force.differences else "more words"
        yield _conflict("altered-text", f"`{force.source}` is `{near}` with changes, such as “{what}”")
    if force.verdict == "truncated":
        yield _conflict("truncated-text", f"`{force.source}` breaks off: the rest of `{near}` is missing")
    lines = [_MARKUP.sub(" ", line).strip() for line in text.text.splitlines()[:200]]
    head = [line for line in lines if line][:_HEAD_LINES]
    for title, pattern in _TITLES.items():
        if near not in {None, title} and any(pattern.match(line) for line in head):
            yield _conflict("title-against-body", f"`{force.source}` is headed “{title}”, and its words are `{near}`")
    term = text.reading.terms.get("commercial_use")
    if head and _NO_COMMERCE.search(head[0]) and term is not None and term.value not in {None, "no"}:
        yield _conflict(
            "title-against-body",
            f"`{force.source}` is headed “{head[0][:80]}”, and its words on commercial use say: {term.value}",
        )


def _text_and_tag(text: Source, tags: list[Source]) -> Iterator[ConflictBody]:
    """Yield where the tag names another licence than the text."""
    named = {tag.licence for tag in tags} - {None}
    if named and text.licence not in named:
        is_what = f"`{text.licence}`" if text.licence else f"{text.force.verdict} (nearest: {text.force.nearest})"
        tag = tags[0].force.source.replace("tag ", "tag says ", 1)
        yield _conflict("file-against-tag", f"the {tag}; `{text.force.source}` is {is_what}")


def _text_and_base(text: Source, base: Source) -> Iterator[ConflictBody]:
    """Yield where the text lacks the terms of the base, or is an older revision of them."""
    if text.licence == base.licence or text.licence is None or base.licence is None:
        return
    if _is_free(base):
        return
    here, there = f"`{text.force.source}` is `{text.licence}`", f"{base.force.source} is under `{base.licence}`"
    if text.licence.split("-")[0] == base.licence.split("-")[0]:
        yield _conflict("stale-revision", f"{here}; {there}")
    else:
        yield _conflict("file-against-base", f"{here}; {there}, whose terms pass on")


def _tag_and_base(tags: list[Source], base: Source) -> Iterator[ConflictBody]:
    """Yield where the tag names another licence than that of a base with restrictions."""
    named = {tag.licence for tag in tags} - {None}
    if named and base.licence not in named and not _is_free(base):
        tag = tags[0].force.source.replace("tag ", "tag says ", 1)
        yield _conflict("tag-against-base", f"the {tag}; {base.force.source} is under `{base.licence}`")


def _is_free(source: Source) -> bool:
    """Whether a licence lets anybody pass the work on under other terms: one that OSI approved."""
    term = source.reading.terms.get("osi_approved")
    return term is not None and term.value == "yes"


def _conflict(name: str, message: str) -> ConflictBody:
    return ConflictBody(name=name, message=message)
