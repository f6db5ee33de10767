"""How texts say a quantity: patterns without nested repetition, so that reading is linear in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from weighbridge.inspection.claims.claim import Quantity

__all__ = ["PHRASES", "QUALIFIERS", "Phrase", "amount", "date_of"]

_STEPS = {
    "trillion": 1e12, "t": 1e12, "billion": 1e9, "bn": 1e9, "b": 1e9, "million": 1e6, "m": 1e6,
    "thousand": 1e3, "k": 1e3, "": 1.0,
}  # fmt: skip
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_SEASONS = {"early": (1, 4), "mid": (5, 8), "late": (9, 12), "end of": (10, 12), "spring": (3, 5), "summer": (6, 8),
            "autumn": (9, 11), "fall": (9, 11)}  # fmt: skip

_NUMBER = (
    r"(?P<number>\d{1,3}(?:,\d{3})+|\d{1,12}(?:\.\d{1,6})?|\b(?:one|two|three|four|five|six|seven|eight|nine|ten)\b)"
)
_STEP = r"[\s-]{0,2}(?P<step>trillion|billion|million|thousand|bn|[TBMK])?\b"
_COUNT = _NUMBER + _STEP
_GAP = r"[^.;\x00]{0,40}?"

QUALIFIERS = (
    ("over", re.compile(r"\b(?:over|more than|above|at least|exceeding)\b")),
    ("under", re.compile(r"\b(?:under|less than|below|fewer than)\b")),
    ("about", re.compile(r"\b(?:about|around|roughly|approximately|nearly|almost|some|circa)\b|~")),
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way of saying a quantity; `scale` turns what is written into the quantity's unit."""

    quantity: Quantity
    pattern: re.Pattern[str]
    reads: Literal["amount", "word", "date"] = "amount"
    scale: float = 1.0
    words: tuple[tuple[str, str], ...] = ()

    def word(self, said: str) -> str:
        """Return the value that a word stands for."""
        plain = re.sub(r"[\s-]+", "-", said.strip().lower())
        return next((value for start, value in self.words if plain.startswith(start)), plain)


def _say(quantity: Quantity, pattern: str, **more: object) -> Phrase:
    return Phrase(quantity, re.compile(pattern, re.IGNORECASE), **more)  # type: ignore[arg-type]


_LICENCES = (("mit", "mit"), ("apache", "apache-2.0"), ("permissive", "permissive"), ("llama", "llama"),
             ("gemma", "gemma"), ("bsd", "bsd-3-clause"))  # fmt: skip
_MIXTURES = (("dense", "dense"), ("mixture", "moe"), ("moe", "moe"), ("sparse", "moe"))
_ACTIVE = r"(?:active|activated|activates?|active at a time)"
_DATE = (
    r"(?:(?P<season>early|mid|late|end of|spring|summer|autumn|fall)[\s-](?:of\s)?)?"
    r"(?:(?:(?P<day>\d{1,2})\s)?(?P<month>January|February|March|April|May|June|July|August|September|October|November"
    r"|December)\s(?:(?P<day2>\d{1,2}),?\s)?)?(?P<year>20[12]\d)(?:-(?P<m>\d\d)(?:-(?P<d>\d\d))?)?"
)

# the more telling phrase first: what it took is not read again
PHRASES = (
    _say(Quantity.KV_CACHE_SAVING, r"\b(?:reduc|sav|cut|shrink|lower|less)\w*" + _GAP + r"\b(?:KV|cache|memory)\b"
         r"[^.;]{0,60}?(?P<number>\d{1,2}(?:\.\d{1,3})?)(?P<step>)\s?(?:%|percent|per cent)", scale=0.01),
    _say(Quantity.TRAINING_COST_SAVING, r"\b(?:reduc|sav|cut|lower)\w*\s(?:\w+\s){0,2}training costs?[^.;]{0,30}?"
         r"(?P<number>\d{1,2}(?:\.\d{1,3})?)(?P<step>)\s?(?:%|percent|per cent)", scale=0.01),
    _say(Quantity.ACTIVE_PARAMETERS, _COUNT + r"(?:\sparameters)?[\s,]{1,2}(?:are\s|is\s|being\s)?" + _ACTIVE + r"\b"),
    _say(Quantity.ACTIVE_PARAMETERS, _COUNT + r"[\s-]" + _ACTIVE + r"[\s-]parameters?\b"),
    _say(Quantity.ACTIVE_PARAMETERS, _ACTIVE + r"\s(?:only\s|about\s|around\s|just\s|roughly\s|~)?" + _COUNT),
    _say(Quantity.TOTAL_PARAMETERS, _COUNT + r"[\s-](?:total\s|model\s)?parameters?\b"),
    _say(Quantity.TOTAL_PARAMETERS, _COUNT + r"\s(?:in\s)?total\b(?!\stokens)"),
    _say(Quantity.TRAINING_GPU_HOURS, _COUNT + r"\s(?:(?:H800|H100|A100|H20|GPU)\s){0,2}(?:GPU[\s-])?hours\b"),
    _say(Quantity.TRAINING_TOKENS, r"\b(?:train|trained|training|pre-?trained|pre-?training)\b[^.;\x00]{0,40}?"
         + _COUNT + r"\s(?:\w+\s)?tokens\b"),
    _say(Quantity.TRAINING_TOKENS, _COUNT + r"\s(?:high-quality\s|training\s)?tokens?\s(?:of\s)?(?:training|pre-?tr)"),
    _say(Quantity.TRAINING_COST_USD, r"\btrain\w*\b[^.;\x00]{0,60}?(?:\$|USD\s)" + _COUNT),
    _say(Quantity.TRAINING_COST_USD, r"(?:\$|USD\s)" + _COUNT + r"[^.;\x00]{0,40}?\btrain"),
    _say(Quantity.CONTEXT_LENGTH, r"\bcontext\s(?:window|length|size)?\s?(?:of\s|is\s|:\s)?(?:up to\s|about\s)?"
         + _COUNT + r"(?:\stokens)?"),
    _say(Quantity.CONTEXT_LENGTH, _COUNT + r"[\s-](?:tokens?\s)?(?:of\s)?(?:long[\s-])?context\b"),
    _say(Quantity.LAYERS, _COUNT + r"[\s-](?:transformer\s|decoder\s)?layers\b"),
    _say(Quantity.EXPERTS_USED, _COUNT
         + r"\s(?:of\s(?:the\s|its\s)?\d{1,4}\s)?(?:routed\s)?experts\s(?:per|for each|a)\stoken"),
    _say(Quantity.EXPERTS, _COUNT + r"\s(?:routed\s)?experts\b"),
    _say(Quantity.LANGUAGES, _COUNT + r"\s(?:different\s|natural\s)?languages\b"),
    _say(Quantity.LICENCE, r"\b(?P<word>MIT|Apache(?:[\s-]2(?:\.0)?)?|permissive|BSD)(?:[\s-]style)?[\s-]licen[sc]e",
         reads="word", words=_LICENCES),
    _say(Quantity.ARCHITECTURE, r"\b(?P<word>dense|mixture[\s-]of[\s-]experts|MoE)\b(?=[\s)(,.]|$)",
         reads="word", words=_MIXTURES),
    _say(Quantity.RELEASED, r"\b(?:released|launched|published|introduced|came out|unveiled)\b[^.;\x00]{0,20}?\b"
         + _DATE + r"\b", reads="date"),
)  # fmt: skip


def amount(found: re.Match[str]) -> tuple[float, float] | None:
    """Return a number in its unit, and the size of its last printed digit."""
    text, step = found["number"].replace(",", "").lower(), (found["step"] or "").lower()
    scale = _STEPS[step]
    if text in _WORDS:
        return _WORDS[text] * scale, scale
    decimals = len(text.partition(".")[2])
    return float(Decimal(text) * int(scale)), scale * 10.0**-decimals


def date_of(found: re.Match[str]) -> str:
    """Return a date as far as it was said, or the months that a season leaves open, joined by `|`."""
    year = found["year"]
    if found["month"]:
        month = f"{year}-{_MONTHS.index(found['month'].lower()) + 1:02d}"
        day = found["day"] or found["day2"]
        return f"{month}-{int(day):02d}" if day else month
    if found["m"]:
        return "-".join(part for part in (year, found["m"], found["d"]) if part)
    if found["season"]:
        first, last = _SEASONS[found["season"].lower()]
        return "|".join(f"{year}-{month:02d}" for month in range(first, last + 1))
    return year
