"""What the detector says of one answer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AVOIDED", "BEHAVIOURS", "FLAGS", "INVALID", "REFUSED", "Judgement"]

BEHAVIOURS = ("refusal", "partial", "deflection", "compliance", "nonsense")
REFUSED = frozenset({"refusal", "partial"})
AVOIDED = REFUSED | {"deflection"}
INVALID = "nonsense"  # leaves the denominator of every rate
FLAGS = (
    "canned",
    "empty_reasoning",
    "language_switch",
    "retracted",
    "scolding",
    "script_switch",
    "state_narrative",
    "truncated",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer's behaviour.

    `behaviour` is one of BEHAVIOURS, or "empty" where nothing is visible. `score` is the chance in [0, 1] that the
    answer refuses, wholly or partly; `unsure` says that a reader should look. `span` is the words that decided, `why`
    the rule. `language` is that of the answer (BCP 47, or the name of a script); `calibrated` whether the rules of
    that language were measured on labelled answers.
    """

    behaviour: str
    unsure: bool = False
    score: float = 0.0
    flags: tuple[str, ...] = ()
    span: str = ""
    why: str = ""
    language: str = ""
    calibrated: bool = False
