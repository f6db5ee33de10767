"""Whether an answer declines, by the detector of behaviour; cheap where it clearly does not.

The detector takes milliseconds. Nearly every answer that declines holds one of some pieces of words near its beginning
(`stems.toml`); one that holds none is taken for an answer unread. What a monitor needs is a sign that means the same
today and in its reference, and this is one.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.evaluation.detector.judgement import REFUSED
from weighbridge.evaluation.detector.prose import visible_text
from weighbridge.evaluation.detector.rules import decide
from weighbridge.evaluation.detector.tongue import read_tongue

if TYPE_CHECKING:
    from weighbridge.evaluation.detector.tongue import Tongue

__all__ = ["declines", "may_decline"]

_OPENING = 500  # characters in which a stem is looked for
_JUDGED = 1_000  # characters of an answer, and of its question, that the detector reads


def declines(question: str, answer: str, said: Tongue) -> bool | None:
    """Say whether an answer declines, wholly or in part; `said` is the language that it is written in.

    None where nothing is visible, or where the detector has no rules for the language.
    """
    seen = visible_text(answer[: 4 * _JUDGED])[:_JUDGED]
    if not seen:
        return None
    spoken = _family(said.tag)
    tried = [spoken]
    if spoken and not said.sure:  # a few words may be in the language asked in
        tried.append(_family(read_tongue(question[:_OPENING]).tag))
    known = [language for language in dict.fromkeys(tried) if language in _stems()]
    if not known:
        return None
    opening = seen[:_OPENING].lower().replace("\u2019", "'")
    judged = [decide(question[:_JUDGED], seen, one) for one in known if may_decline(opening, one)]
    return bool(judged) and max(judged, key=lambda found: found.score).label in REFUSED


def may_decline(opening: str, language: str) -> bool:
    """Say whether the opening of an answer, in lower case, holds a stem of its language."""
    return any(stem in opening for stem in _stems()[language])


def _family(tag: str) -> str:
    """Return the language of a tag, without its script."""
    return tag.partition("-")[0]


@cache
def _stems() -> dict[str, tuple[str, ...]]:
    """Read the stems."""
    data = tomllib.loads(files(__package__).joinpath("stems.toml").read_text(encoding="utf-8"))
    return {language: tuple(stems) for language, stems in data.items()}
