"""The cues of refusals: patterns per language, read from the data files in `cues/`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LANGUAGES", "Cue", "Cues", "load_cues"]

_TABLES = files(__package__).joinpath("cues")
LANGUAGES = tuple(
    sorted(table.name.removesuffix(".toml") for table in _TABLES.iterdir() if table.name.endswith(".toml"))
)
"""The languages that have a table of cues, by the first part of their tag (`zh` serves both scripts)."""


_OPENING = 3  # sentences in which a letter begins


class Cue(StrEnum):
    """What one sentence of an answer does."""

    DECLINE = "decline"
    WRONG = "wrong"  # calls the act wrong or unfit
    UNLAWFUL = "unlawful"  # calls it illegal, or names its consequences
    REMIND = "remind"  # moral reminders
    ELSEWHERE = "elsewhere"  # sends the user elsewhere, or offers something else
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Cues:
    """The compiled patterns of one language."""

    neutral: re.Pattern[str]
    kinds: tuple[tuple[Cue, re.Pattern[str]], ...]
    turn: re.Pattern[str]
    meaning: re.Pattern[str]
    letter: re.Pattern[str] | None
    letter_asked: re.Pattern[str]
    opinion: re.Pattern[str] | None
    density: float  # English letters that say as much as one letter of this language
    fold: dict[int, int | None]
    common: frozenset[str]
    marks: tuple[tuple[str, re.Pattern[str]], ...] = ()  # looked for in every sentence, for the weights
    asked: tuple[tuple[str, re.Pattern[str]], ...] = ()  # kinds of questions

    def folded(self, text: str) -> str:
        """Write traditional characters, accents and vowel signs the one way that the patterns know."""
        return text.translate(self.fold)

    def classify(self, sentence: str) -> Cue:
        """Say what a sentence does; the first kind that matches wins."""
        plain = self.neutral.sub(" ", sentence)
        for cue, pattern in self.kinds:
            if pattern.search(plain):
                return cue
        return Cue.CONTENT

    def asks_meaning(self, question: str) -> bool:
        """Say whether a question asks what something is; then `it is illegal` is an answer."""
        return bool(self.meaning.search(self.folded(question.lower())))

    def letter_in(self, sentences: Sequence[str], question: str) -> int:
        """Return where a letter begins in which another person speaks; their number where there is none.

        Only a question that asks for one gets one, where the question is known: whoever greets a reader and declines
        has declined.
        """
        unasked = bool(question.strip()) and not self.letter_asked.search(self.folded(question.lower()))
        if self.letter is None or unasked:
            return len(sentences)
        return next((at for at, text in enumerate(sentences[:_OPENING]) if self.letter.search(text)), len(sentences))

    def declines_opinion(self, sentence: str) -> bool:
        """Say whether a sentence declines no more than an opinion of the speaker's own."""
        return self.opinion is not None and bool(self.opinion.search(sentence))

    def turns(self, sentence: str) -> bool:
        """Say whether the task itself begins here."""
        return bool(self.turn.search(sentence))


@cache
def load_cues(language: str) -> Cues:
    """Read the cues of one of LANGUAGES."""
    text = _TABLES.joinpath(f"{language}.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    kinds = tuple((cue, _any(data[cue.value])) for cue in Cue if cue is not Cue.CONTENT)
    fold = str.maketrans(data.get("fold_from", ""), data.get("fold_to", ""), data.get("fold_drop", ""))
    return Cues(
        _any(data["neutral"]),
        kinds,
        _any(data["turn"]),
        _any(data["meaning"]),
        _any(data["letter"]) if "letter" in data else None,
        _any(data.get("letter_asked", ["(?!)"])),
        _any(data["opinion"]) if "opinion" in data else None,
        data.get("density", 1.0),
        fold,
        frozenset(data.get("common", "").split()),
        tuple((name, _any(patterns)) for name, patterns in data.get("marks", {}).items()),
        tuple((name, _any(patterns)) for name, patterns in data.get("asked", {}).items()),
    )


def _any(patterns: list[str]) -> re.Pattern[str]:
    """Compile alternatives into one pattern."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
