"""The signs of an answer: refused, in form, in the prompt's language, cut, how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.evaluation.detector.flags import CUT
from weighbridge.evaluation.detector.tongue import Tongue, read_tongue
from weighbridge.pilot.observation.form import is_in_form
from weighbridge.pilot.observation.refusal import declines

if TYPE_CHECKING:
    from weighbridge.pilot.observation.noun import Reading

__all__ = ["Signs", "signs_of", "tongue_of"]

_SAMPLE = 600  # characters in which a language is read
_OWN_SCRIPT = 0.6  # share of an answer in its language's script, below which the language is not told
_SMALL_BOUND = 1_024  # tokens; a caller with a larger one hardly means the answer to end there
_FILTERED = "content_filter"


@dataclass(frozen=True, slots=True)
class Signs:
    """As Observation names them; None: not told, or not asked for."""

    refused: bool | None
    in_form: bool | None
    same_language: bool | None
    language: str
    chars: int | None
    is_cut: bool | None
    is_bound: bool | None = None


def tongue_of(prompt: str) -> Tongue:
    """Return the language that is asked in."""
    return read_tongue(prompt[:_SAMPLE])


def signs_of(reading: Reading, language: str = "", *, asked: Tongue | None = None) -> Signs:
    """Return the signs of an answer; `language` is the one asked in (BCP 47), "" to read it from the prompt.

    `asked` is the prompt's, where it was read before (`tongue_of`).

    Refused: the API says so (`refusal`, `content_filter`), or the detector of behaviour does (refusal or partial).
    The form of a cut answer is not told. JSON, code and calls have no language; nor has what is too short to tell.
    """
    answer = reading.answer
    said = read_tongue(answer[:_SAMPLE])
    is_cut = reading.finish.lower() in CUT if reading.finish else None
    is_prose = bool(answer.strip()) and reading.wanted is None
    return Signs(
        refused=_refused(reading, said),
        in_form=None if is_cut else is_in_form(reading),
        same_language=_same(reading.prompt, said, language, asked) if is_prose else None,
        language=said.tag if is_prose and said.sure else "",
        chars=len(answer) if answer or not reading.tool_calls else None,
        is_cut=is_cut,
        is_bound=(is_cut and reading.bound is not None and reading.bound <= _SMALL_BOUND) or None,
    )


def _refused(reading: Reading, said: Tongue) -> bool | None:
    """Say whether an answer declines."""
    if reading.refusal or reading.finish == _FILTERED:
        return True
    if reading.tool_calls:
        return False
    if reading.wanted is not None and reading.answer.lstrip()[:1] in ("{", "["):
        return False  # the form asked for was given
    return declines(reading.prompt, reading.answer, said)


def _same(prompt: str, said: Tongue, language: str, asked: Tongue | None) -> bool | None:
    """Say whether an answer is in the language of its prompt; None where one of them is not sure."""
    if not said.sure or said.share < _OWN_SCRIPT:
        return None
    if language:
        return said.language == language.partition("-")[0].lower()
    asked = asked or tongue_of(prompt)
    return said.language == asked.language if asked.sure else None
