r"""Numerals: the numbers that stand in a text, each with every value that its way of writing may have.

"1,234" is 1234 in English and 1.234 in German: both are readings. Digits of every script count, Chinese numerals
too, fractions (`3/4`, `\frac{3}{4}`), percentages and "1.5 million".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Numeral", "equal", "numerals", "plain_digits"]

_MAX_DIGITS = 40
_TOLERANCE = Fraction(1, 10**6)  # relative: 0.6666667 is two thirds
_ASCII_DIGIT = re.compile(r"[^\x00-\x7f]")
_FRACTION = re.compile(r"\\[dt]?frac\s?\{\s?(-?[\d.,]{1,40})\s?\}\s?\{\s?([\d.,]{1,40})\s?\}")
_LATEX = re.compile(r"\\(?:[,;!$%#]|text\b|mathrm\b)|\{,\}")
_DOLLAR = re.compile(r"\$(?=-?[\d.])|(?<=\d)\$")
_CURRENCY = r"(?:US\$|R\$|Rs\.?|[$\u20ac\xa3\xa5\u20b9\u20a9\u0e3f\u09f3])"
_NUMERAL = re.compile(
    rf"(?<![\w.^/])(?P<sign>(?<![\w)\]])[-\u2212\u2013]\s?)?(?:{_CURRENCY}\s?(?P<inner>-)?)?"
    r"(?P<body>\d+(?:[.,'\u2019_]\d+)*(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?|\.\d+)"
    r"(?P<power>[eE][+-]?\d{1,3}(?!\w)|\s?(?:\\times|[x\xd7*])\s?10\^\{?-?\d{1,2}\}?)?"
    r"(?:\s?/\s?(?P<under>\d{1,40})(?![\w/]))?"
    r"\s?(?P<percent>%)?"
    r"(?:\s?(?P<scale>thousand|million|billion|trillion|mil(?!\w)|millones|Millionen|[\u4e07\u842c\u4ebf\u5104\u5343]))?"
)  # NFKC has made most other spaces plain ones before
_SCALES = {
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "mil": 10**3, "millones": 10**6,
    "Millionen": 10**6, "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip
_CHINESE_DIGITS = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"\u3007": 0, "两": 2, "兩": 2}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_CHINESE = re.compile(r"负?[零\u3007一二三四五六七八九十百千万萬亿億两兩]{1,20}")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as written, its readings; no reading where it is too long to be one."""

    said: str
    readings: frozenset[Fraction]
    percent: bool


def plain_digits(text: str) -> str:
    """Write the digits of every script as ASCII; Arabic separators too. Length stays."""
    text = _ASCII_DIGIT.sub(lambda match: _ascii(match[0]), text)
    return text.replace("\u066b", ".").replace("\u066c", ",")


def numerals(text: str) -> list[Numeral]:
    """Return the numbers of a text in their order; Chinese numerals only where no digit stands in the text."""
    text = _DOLLAR.sub(" ", _LATEX.sub("", _FRACTION.sub(r" \1/\2 ", plain_digits(text))))
    found = [_numeral(match) for match in _NUMERAL.finditer(text)]
    if found:
        return found
    chinese = [match[0] for match in _CHINESE.finditer(text)]
    return [Numeral(said, frozenset({Fraction(_chinese(said))}), percent=False) for said in chinese]


def equal(said: Numeral, expected: Numeral) -> bool:
    """Say whether two numbers can be the same; where one is a percentage, 25 and 0.25 both are 25%."""
    percentages = said.percent - expected.percent
    factors = (Fraction(1), Fraction(100) ** -percentages) if percentages else (Fraction(1),)
    return any(
        _close(ours * factor, theirs) for ours in said.readings for theirs in expected.readings for factor in factors
    )


def _close(one: Fraction, other: Fraction) -> bool:
    """Say whether two numbers are equal; where one is not whole, its last digits may have been rounded."""
    if one.denominator == 1 and other.denominator == 1:
        return one == other
    return abs(one - other) <= _TOLERANCE * abs(other)


def _ascii(mark: str) -> str:
    """Return the ASCII digit of a digit of any script; any other character as it is."""
    value = unicodedata.decimal(mark, None)
    return mark if value is None else str(value)


def _numeral(match: re.Match[str]) -> Numeral:
    """Read one number as matched."""
    values: set[Fraction] = set()
    body, under = match["body"], match["under"]
    if len(body) <= _MAX_DIGITS:
        values = _readings(body)
        if under and int(under):
            values = {value / int(under) for value in values}
        if power := match["power"]:
            exponent = int(re.findall(r"-?\d+", power)[-1])
            values = {value * Fraction(10) ** exponent for value in values}
        if scale := match["scale"]:
            values |= {value * _SCALES[scale] for value in values}
        if match["sign"] or match["inner"]:
            values = {-value for value in values}
    return Numeral(match[0].strip(), frozenset(values), bool(match["percent"]))


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
