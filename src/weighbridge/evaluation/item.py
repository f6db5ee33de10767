"""One question, and the mark of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LETTERS", "Item", "Score", "Unscored"]

LETTERS = "ABCDEFGHIJKLMNOPQRST"  # as many as the log-probabilities that vLLM and the OpenAI API give


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `group` is its subject, or its class ("safe", "harmful") where behaviour is measured.

    `data` holds what a scorer needs beside the answer, as JSON values: tests of a program, instructions, a schema.
    """

    id: str
    question: str
    choices: tuple[str, ...] = ()
    answer: str = ""
    group: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Score:
    """A mark: "right", "wrong", or a behaviour; `said` is the part of the answer that was marked."""

    label: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Unscored:
    """An answer that could not be marked, and why; never a zero."""

    reason: str
