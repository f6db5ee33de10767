"""What a person means by the word of a licence: an id of ours, a tag of a hub, a family of versions, an id of SPDX."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.formats.place import quote
from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.chain.families import licences_of_tag
from weighbridge.inspection.licence.terms import known
from weighbridge.inventory.origin.tables import licence_tags

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NON_COMMERCIAL", "licences_meant"]

NON_COMMERCIAL = frozenset({"non-commercial", "noncommercial", "non-commercial-use", "nc"})


def licences_meant(text: str) -> frozenset[str]:
    """Return the ids and tags that a word stands for: `llama3.1` is one, `gemma` and `llama` are all their versions.

    Raises UsageError for a word that is no licence: it would match nothing, and so show an absence.
    """
    word = text.strip().lower()
    if word in NON_COMMERCIAL:
        return frozenset(NON_COMMERCIAL)
    tagged = licences_of_tag(word, word)
    if word in known():
        return frozenset({word, *tagged})
    versions = _versions(word, (*known(), *licence_tags()))
    if tagged or versions or word in licence_tags():
        return frozenset({word, *tagged, *versions})
    if word in _listed():
        return frozenset({word})
    hint = did_you_mean(word, [*known(), *licence_tags(), *_listed(), *NON_COMMERCIAL])
    raise UsageError(
        f"{quote(text)} is no licence that is known", hint=hint or "for example `non-commercial`, `llama3.1`, `gemma`"
    )


def _versions(word: str, ids: Iterable[str]) -> frozenset[str]:
    """Return the versions of a licence; a word alone (`llama`) is a maker's, and stands for all of its licences."""
    version = re.compile(rf"{re.escape(word)}(?:-v?\d.*" + (r"|[-\d].*)" if "-" not in word else ")"))
    return frozenset(one for one in ids if version.fullmatch(one))


@cache
def _listed() -> frozenset[str]:
    """Return the ids of all texts that can be recognised, those of SPDX among them."""
    return frozenset(name.lower() for name in load_base().licences)
