"""How values are written: amounts with a step, dates as far as they are said, licences, yes and no."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from weighbridge.inspection.claims.claim import Bound, Quantity, Value

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COUNT", "DATE", "amount", "bound_before", "date_of", "is_about_before", "licence_of", "read_value"]

_STEPS = {
    "trillion": 1e12, "tn": 1e12, "t": 1e12, "billion": 1e9, "bn": 1e9, "b": 1e9, "million": 1e6, "mn": 1e6, "m": 1e6,
    "thousand": 1e3, "k": 1e3, "": 1.0,
}  # fmt: skip
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "a": 1,
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SEASONS = {
    "early": (1, 4), "mid": (5, 8), "late": (9, 12), "end of": (10, 12), "beginning of": (1, 3), "start of": (1, 3),
    "spring": (3, 6), "summer": (6, 9), "autumn": (9, 12), "fall": (9, 12), "q1": (1, 3), "q2": (4, 6), "q3": (7, 9),
    "q4": (10, 12),
}  # fmt: skip

_NUMBER = (
    r"(?<![\w.])(?<![\dA-Za-z][-,\u2013])(?P<number>\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,4})?|\d{1,15}(?:\.\d{1,6})?"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|a(?=\s(?:trillion|billion|million)))\b)"
)
COUNT = _NUMBER + r"[\s-]?(?P<step>trillion|billion|million|thousand|bn|tn|mn|[TBMK])?(?![A-Za-z\d])(?P<plus>\+?)"
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
DATE = (
    r"(?:(?P<season>early|mid|late|end of|beginning of|start of|spring|summer|autumn|fall|Q[1-4])[\s-](?:of\s|in\s)?)?"
    r"(?:(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?\s(?:of\s)?)?" + _MONTH + r",?\s(?:(?P<day2>\d{1,2})(?:st|nd|rd|th)?,?\s)?"
    r"(?:of\s)?)?(?P<year>20[12]\d)(?!\d)(?:-(?P<m>\d\d)(?:-(?P<d>\d\d))?)?"
)
_OVER = re.compile(
    r"(?:\b(?:over|more than|above|at least|exceeding|exceeds|in excess of|upwards of|no (?:less|fewer) than)\s"
    r"(?:an?\s|some\s)?|>=?\s?|≥\s?)\$?$"
)
_UNDER = re.compile(r"(?:\b(?:under|less than|below|fewer than|at most|no more than)\s|<=?\s?|≤\s?)\$?$")
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|nearly|almost|some|circa|ca\.?)\s|[~≈]\s?)\$?$"
)
_WORD_BEFORE = 28

# what a licence is called; the first that fits counts
_LICENCES = (
    (re.compile(r"modified[\s-]mit|mit[\s-](?:style|like|based)"), "modified-mit"),
    (re.compile(r"\bmit\b"), "mit"),
    (re.compile(r"apache"), "apache-2.0"),
    (re.compile(r"permissive"), "permissive"),
    (re.compile(r"non[\s-]?commercial|research[\s-]only"), "non-commercial"),
    (re.compile(r"openmdw"), "openmdw-1.1"),
    (re.compile(r"tongyi"), "tongyi-qianwen"),
    (re.compile(r"qwen[\s-]research"), "qwen-research"),
    (re.compile(r"\bbsd\b"), "bsd-3-clause"),
    (re.compile(r"deepseek"), "deepseek"),
    (re.compile(r"mistral[\s-](?:ai[\s-])?research|\bmrl\b"), "mrl"),
    (re.compile(r"non-production|\bmnpl\b"), "mnpl"),
    (re.compile(r"gemma"), "gemma"),
    (re.compile(r"\bcc[\s-]by[\s-]nc"), "cc-by-nc-4.0"),
)
_LLAMA = re.compile(r"llama[\s-]?(\d(?:\.\d)?)?")
_YES = {"yes", "true", "open", "open-weight", "open-weights", "open weights", "open weight", "public"}
_NO = {"no", "false", "closed", "proprietary", "closed-source", "api only", "api-only", "not open", "closed source"}
_MIXTURES = (
    (re.compile(r"\bmoe\b|mixture[\s-]of[\s-]experts|\bsparse\b", re.IGNORECASE), "moe"),
    (re.compile(r"\bdense\b", re.IGNORECASE), "dense"),
)
_ATTENTIONS = {"multi-head latent attention": "MLA", "grouped-query attention": "GQA", "multi-query attention": "MQA",
               "grouped query attention": "GQA", "multi-head attention": "MHA"}  # fmt: skip
_COUNTED = re.compile(r"\s*\$?\s*" + COUNT + r"\s*(?P<rest>.{0,60})\s*", re.IGNORECASE | re.DOTALL)
_DATED = re.compile(r"\s*" + DATE + r"\s*", re.IGNORECASE)
_SHARE = re.compile(r"\s*(\d{1,3}(?:\.\d{1,4})?)\s?(?:%|percent|per cent)\s*", re.IGNORECASE)
_MULTIPLE = re.compile(r"\s*(\d{1,4}(?:\.\d{1,4})?)\s?(?:x|\u00d7|times)\s*", re.IGNORECASE)
_KILO = 1024
_PARAMETERS = re.compile(r"(?:total |in total|active |activated |model )?(?:parameters?|params?)?(?: total| active)?")


def amount(found: re.Match[str]) -> tuple[float, float] | None:
    """Return a number in its unit, and the size of its last printed digit; None beyond what is countable."""
    text, step = found["number"].replace(",", "").lower(), (found["step"] or "").lower()
    scale = _STEPS[step]
    if text in _WORDS:
        return _WORDS[text] * scale, scale
    decimals = len(text.partition(".")[2])
    return float(Decimal(text) * int(scale)), scale * 10.0**-decimals


def bound_before(text: str) -> Bound:
    """Return whether the words just before a number say more than or less than it."""
    end = text[-_WORD_BEFORE:].lower()
    return "over" if _OVER.search(end) else "under" if _UNDER.search(end) else ""


def is_about_before(text: str) -> bool:
    """Whether the words just before a number say that it is rough."""
    return _ABOUT.search(text[-_WORD_BEFORE:].lower()) is not None


def date_of(found: re.Match[str]) -> str:
    """Return a date as far as it was said, or the months that a season leaves open, joined by `|`."""
    year = found["year"]
    if found["month"]:
        month = f"{year}-{_MONTHS.index(found['month'].lower()[:3]) + 1:02d}"
        day = found["day"] or found["day2"]
        return f"{month}-{int(day):02d}" if day and not found["season"] else month
    if found["m"]:
        return "-".join(part for part in (year, found["m"], found["d"]) if part)
    if found["season"]:
        first, last = _SEASONS[found["season"].lower()]
        return "|".join(f"{year}-{month:02d}" for month in range(first, last + 1))
    return str(year)


def licence_of(text: str) -> str:
    """Return a licence's id: `Apache License 2.0` is apache-2.0, what is not known stays as it is written."""
    plain = " ".join(text.lower().split())
    for pattern, name in _LICENCES:
        if pattern.search(plain):
            return name
    if found := _LLAMA.search(plain):
        return f"llama{found[1] or ''}"
    return re.sub(r"\s+(?:community\s+)?licen[cs]e(?:\s+agreement)?$", "", plain)


def read_value(quantity: str, text: str) -> tuple[Value, float, Bound, bool] | None:
    """Read what stands in a table for a quantity: value, size of its last digit, bound, whether rough; None if unread.

    A text that may mean two things (`671B / 37B` for a total) is read where its first figure is the quantity's own.
    """
    text = text.strip()
    reader = _WORD_READERS.get(quantity)
    if reader is not None:
        return reader(text)
    lead = re.match(r"\s*(?:about|around|approximately|roughly|over|more than|at least|up to|under|less than|~|≈|>|<)?"
                    r"\s*", text, re.IGNORECASE)  # fmt: skip
    before = lead[0] if lead else ""
    rest = text[len(before) :]
    bound, is_about = bound_before(f" {before}"), is_about_before(f" {before}")
    if found := _SHARE.fullmatch(rest):
        return float(found[1]) / 100, 0.01 * 10.0 ** -len(found[1].partition(".")[2]), bound, is_about
    if found := _MULTIPLE.fullmatch(rest):
        return float(found[1]), 10.0 ** -len(found[1].partition(".")[2]), bound, is_about
    found = _COUNTED.fullmatch(rest)
    if found is None or not _belongs(quantity, found["rest"]):
        return None
    read = amount(found)
    if read is None:
        return None
    scale = _KILO if quantity == Quantity.KV_BYTES_PER_TOKEN and found["rest"].strip().lower().startswith("kib") else 1
    if quantity == Quantity.KV_BYTES_PER_TOKEN and found["rest"].strip().lower() in ("kb", "kilobytes"):
        scale = 1000
    return read[0] * scale, read[1] * scale, bound or ("over" if found["plus"] else ""), is_about


_UNITS = {
    Quantity.TRAINING_COST_USD: r"(?:usd|us dollars|dollars)?",
    Quantity.KV_BYTES_PER_TOKEN: r"(?:bytes?|kb|kib|kilobytes|b)?(?:\s?(?:per|/)\s?token)?",
    Quantity.TRAINING_GPU_HOURS: r"(?:(?:h800|h100|a100|gpu)[\s-]?){0,2}(?:hours|h)?",
    Quantity.CONTEXT_CHARACTERS: r"(?:\w+\s)?characters",
    Quantity.TRAINING_FLOPS: r"flops?",
}


def _belongs(quantity: str, rest: str) -> bool:
    """Whether what follows a figure is its unit, or a remark in brackets."""
    rest = re.sub(r"\s*\([^()]{0,50}\)$", "", rest.strip().lower()).strip(" .,")
    if quantity in (Quantity.TOTAL_PARAMETERS, Quantity.ACTIVE_PARAMETERS, Quantity.MTP_PARAMETERS):
        rest = re.sub(r"\s*/\s*[\d.]+\s?[bmt]$", "", rest) if quantity == Quantity.TOTAL_PARAMETERS else rest
        return _PARAMETERS.fullmatch(rest) is not None
    pattern = _UNITS.get(Quantity(quantity) if quantity in set(Quantity) else Quantity.LAYERS)
    return re.fullmatch(pattern or r"(?:[a-z]+[\s-]){0,2}[a-z]*", rest) is not None


def _read_date(text: str) -> tuple[Value, float, Bound, bool] | None:
    found = _DATED.fullmatch(text)
    return None if found is None else (date_of(found), 0.0, "", False)


def _read_architecture(text: str) -> tuple[Value, float, Bound, bool] | None:
    """Read a kind of architecture among other words, where one alone is named."""
    kinds = {kind for pattern, kind in _MIXTURES if pattern.search(text)}
    return (kinds.pop(), 0.0, "", False) if len(kinds) == 1 else None


def _read_word(words: dict[str, str]) -> Callable[[str], tuple[Value, float, Bound, bool] | None]:
    def read(text: str) -> tuple[Value, float, Bound, bool] | None:
        plain = " ".join(text.lower().split())
        known = next((value for word, value in words.items() if word == plain), None)
        return None if known is None else (known, 0.0, "", False)

    return read


_MODALITIES = dict.fromkeys(("text", "text-only", "text only", "language", "llm"), "text") | dict.fromkeys(
    (
        *("multimodal", "multi-modal", "natively multimodal", "vision-language", "vision", "omni", "image-text"),
        *("text, image", "text and image"),
    ),
    "multimodal",
)
_WORD_READERS: dict[str, Callable[[str], tuple[Value, float, Bound, bool] | None]] = {
    Quantity.RELEASED: _read_date,
    Quantity.LICENCE: lambda text: (licence_of(text), 0.0, "", False) if text else None,
    Quantity.CODE_LICENCE: lambda text: (licence_of(text), 0.0, "", False) if text else None,
    Quantity.OPEN_WEIGHTS: _read_word(
        dict.fromkeys(_YES, "yes")
        | dict.fromkeys(_NO, "no")
        | dict.fromkeys(("open-source", "open source", "open-sourced"), "open source")
    ),
    Quantity.ARCHITECTURE: _read_architecture,
    Quantity.ATTENTION: _read_word(
        {name.lower(): name for name in ("MLA", "GQA", "MQA", "MHA")}
        | _ATTENTIONS
        | {f"{name} ({short.lower()})": short for name, short in _ATTENTIONS.items()}
    ),
    Quantity.MODALITY: _read_word(_MODALITIES),
}
