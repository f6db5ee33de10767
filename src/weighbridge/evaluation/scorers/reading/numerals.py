r"""Numerals: the numbers that stand in a text, each with every value that its way of writing may have.

"1,234" is 1234 in English and 1.234 in German: both are readings. Digits of every script count, Chinese numerals
too, fractions (`3/4`, `\frac{3}{4}`, "1½", "1 1/2"), whole powers (`3^2`, "3²"), percentages and "1.5 million".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["Numeral", "equal", "has_numeral", "numerals", "plain_digits", "spell_out"]

_MAX_DIGITS = 40
_MAX_POWER_DIGITS = 400  # of a power that is worked out
_AROUND = 40  # characters kept on both sides of a numeral
_TOLERANCE = Fraction(1, 10**6)  # relative: 0.6666667 is two thirds
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_RAISED = "\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079"
_SUPERSCRIPT = re.compile(f"[\u207a\u207b]?[{_RAISED}]{{1,20}}")
_PLAIN_RAISED = str.maketrans(f"{_RAISED}\u207a\u207b", "0123456789+-")
_VULGAR = re.compile("\\s?([\xbc-\xbe\u2150-\u215e\u2189])")
_UNRAISED = re.compile(r"\^\s?\{{0,2}\s?(?:\\circ|st|nd|rd|th)\b\s?\}{0,2}")  # 18 degrees, the 18th
_FRACTION = re.compile(r"\\[dt]?frac\s?\{\s?(-?[\d.,]{1,40})\s?\}\s?\{\s?([\d.,]{1,40})\s?\}")
_LATEX = re.compile(r"\\(?:[,;!$%#]|text\b|mathrm\b)|\{,\}")
_DOLLAR = re.compile(r"\$(?=-?[\d.])|(?<=\d)\$")
_CURRENCY = r"(?:US\$|R\$|Rs\.?|[$\u20ac\xa3\xa5\u20b9\u20a9\u0e3f\u09f3])"
_NUMERAL = re.compile(
    rf"(?<![\w.^/])(?<!\^\{{)(?<!\^[-+])(?<!\^\{{[-+])(?P<sign>(?<![\w)\]])[-\u2212\u2013]\s?)?(?:{_CURRENCY}\s?(?P<inner>-)?)?"
    r"(?:(?P<whole>\d{1,15}) (?=\d{1,3}\s?/\s?\d{1,3}(?![\w/.^])))?"
    r"(?P<body>\d+(?:[.,'\u2019_]\d+)*(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?|\.\d+)"
    r"(?P<power>[eE][+-]?\d{1,3}(?!\w)|\s?(?:\\times|[x\xd7*])\s?10\^\{?-?\d{1,2}\}?)?"
    r"(?:\s?\^\s?(?:(?P<raised>[+-]?\d{1,4})(?![\w^.])|\{\s?(?P<braced>[+-]?\d{1,4})\s?\}(?!\s?\^)|(?P<open>(?=.)))"
    r"|\s?/\s?(?P<under>\d{1,40})(?![\w/^]))?"
    r"\s?(?P<percent>%)?"
    r"(?:\s?(?P<scale>(?i:thousand|million|billion|trillion)(?!th)|mil(?!\w)|millones"
    r"|[\u4e07\u842c\u4ebf\u5104]|\u5343(?![\u514b\u7c73\u74e6\u5361])))?"  # not of a kilogram or kilometre
)  # NFKC has made most other spaces plain ones before
_SCALES = {
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "mil": 10**3, "millones": 10**6,
    "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip
_CHINESE_DIGITS = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"\u3007": 0, "两": 2, "兩": 2}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_CHINESE = re.compile(r"负?[零\u3007一二三四五六七八九十百千万萬亿億两兩]{1,20}")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as written, its readings; no reading where it is too long to be one, or a power not worked out.

    `unscaled` are the readings without a word such as "million"; `before` and `behind` the characters around it.
    """

    said: str
    readings: frozenset[Fraction]
    percent: bool
    unscaled: frozenset[Fraction] = frozenset()
    before: str = field(default="", compare=False)
    behind: str = field(default="", compare=False)


def spell_out(text: str) -> str:
    """Write raised digits as powers and vulgar fractions with a stroke, before NFKC joins them to their neighbours."""
    text = _SUPERSCRIPT.sub(lambda match: f"^{{{match[0].translate(_PLAIN_RAISED)}}}", text)
    text = _VULGAR.sub(lambda match: f" {unicodedata.normalize('NFKC', match[1])}", text)
    return text.replace("\u2044", "/")


def plain_digits(text: str) -> str:
    """Write the digits of every script as ASCII; Arabic separators too. Length stays."""
    text = _FOREIGN_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    return text.replace("\u066b", ".").replace("\u066c", ",")


def numerals(text: str) -> list[Numeral]:
    """Return the numbers of a text in their order; Chinese numerals only where no digit stands in the text."""
    text = _tidy(text)
    found = [_numeral(match) for match in _NUMERAL.finditer(text)]
    if found:
        return found
    chinese = [match[0] for match in _CHINESE.finditer(text)]
    return [Numeral(said, frozenset({Fraction(_chinese(said))}), percent=False) for said in chinese]


def has_numeral(text: str) -> bool:
    """Say whether a text holds a number."""
    text = _tidy(text)
    return bool(_NUMERAL.search(text) or _CHINESE.search(text))


def _tidy(text: str) -> str:
    """Return text in which no LaTeX and no currency stands between a number and its neighbours."""
    text = _UNRAISED.sub("", _LATEX.sub("", _FRACTION.sub(r" \1/\2 ", plain_digits(text))))
    return _DOLLAR.sub(" ", text)


def equal(said: Numeral, expected: Numeral) -> bool:
    """Say whether two numbers can be the same; where one is a percentage, 25 and 0.25 both are 25%."""
    percentages = said.percent - expected.percent
    factors = (Fraction(1), Fraction(100) ** -percentages) if percentages else (Fraction(1),)
    return any(
        _close(ours * factor, theirs) for ours in said.readings for theirs in expected.readings for factor in factors
    )


def _close(one: Fraction, other: Fraction) -> bool:
    """Say whether a number is the expected one; where that is not whole, its last digits may have been rounded."""
    if other.denominator == 1:
        return one == other
    return abs(one - other) <= _TOLERANCE * abs(other)


def _numeral(match: re.Match[str]) -> Numeral:
    """Read one number as matched."""
    values, scale = _values(match), match["scale"]
    if match["sign"] or match["inner"]:
        values = {-value for value in values}
    scaled = {value * _SCALES[scale.lower()] for value in values} if scale else values
    return Numeral(
        match[0].strip(),
        frozenset(scaled),
        bool(match["percent"]),
        frozenset(values) if scale else frozenset(),
        match.string[max(0, match.start() - _AROUND) : match.start()],
        match.string[match.end() : match.end() + _AROUND],
    )


def _values(match: re.Match[str]) -> set[Fraction]:
    """Return the values of a number without its sign and its scale; none where it is too long."""
    body, under = match["body"], match["under"]
    if len(body) > _MAX_DIGITS or match["open"] is not None:
        return set()
    values = _readings(body)
    if under and int(under):
        values = {value / int(under) for value in values}
        if match["whole"] and max(values) < 1:
            values = {int(match["whole"]) + value for value in values}
    if power := match["power"]:
        exponent = int(re.findall(r"-?\d+", power)[-1])
        values = {value * Fraction(10) ** exponent for value in values}
    if raised := match["raised"] or match["braced"]:
        exponent = int(raised)
        if len(body) * abs(exponent) > _MAX_POWER_DIGITS:
            return set()
        values = {value**exponent for value in values if value or exponent > 0}
    return values


def _readings(body: str) -> set[Fraction]:
    """Return the values that digits with separators may have."""
    body = re.sub(r"['\u2019_ \u00a0\u202f]", "", body)
    marks = [mark for mark in body if mark in ".,"]
    if not marks:
        return {Fraction(int(body))}
    last, others = marks[-1], set(marks[:-1])
    whole, _, part = body.rpartition(last)
    groups = re.split("[.,]", body)
    grouped = all(len(group) in {2, 3} for group in groups[1:-1]) and len(groups[-1]) == 3 and 0 < len(groups[0]) <= 3  # noqa: PLR2004 - digits of a group
    readings = set()
    if grouped and groups[0] != "0" and len(set(marks)) == 1:
        readings.add(Fraction(int("".join(groups))))
    if last not in others:
        readings.add(Fraction(f"{re.sub('[.,]', '', whole) or '0'}.{part}"))
    return readings


def _chinese(numeral: str) -> int:
    """Read a Chinese numeral: 三百二十 is 320, 二〇二五 is 2025."""
    sign = -1 if numeral.startswith("负") else 1
    numeral = numeral.removeprefix("负")
    if all(mark in _CHINESE_DIGITS for mark in numeral):
        return sign * int("".join(str(_CHINESE_DIGITS[mark]) for mark in numeral))
    total, section, digit = 0, 0, 0
    for mark in numeral:
        if mark in _CHINESE_DIGITS:
            digit = _CHINESE_DIGITS[mark]
        elif mark in _CHINESE_UNITS:
            section += (digit or 1) * _CHINESE_UNITS[mark]
            digit = 0
        else:
            total = (total + section + digit) * _CHINESE_GROUPS[mark]
            section = digit = 0
    return sign * (total + section + digit)
