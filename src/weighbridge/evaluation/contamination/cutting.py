"""What the probes ask: half a question to be continued, a list of options to be completed, options in another order."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.evaluation.suite.file import Generation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.evaluation.suite import Suite

__all__ = ["Cut", "continued", "half", "last_option", "repeats", "rotations", "spread", "units"]

RUN = 8  # words in a row that nobody writes by chance; what is left of a shorter half
_LEAST = 5
_TOKENS = 64
_UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_REFERS = re.compile(
    r"\b(all|none|both|neither|either|any|two|three) of\b|\babove\b|\bbelow\b|\b[A-J],? (and|or|&) [A-J]\b"
    r"|^\s*(both|neither|all|none)\b|以上|均|皆|全部|都不",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[^\w]*([-+]?\d[\d.,]*)")
_FORMS = {
    "completion": "$question",
    "chat": "Continue this text exactly where it stops. Write only how it goes on, nothing else.\n\n$question",
}


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in two: what the model is given, and how it goes on, in words (characters of CJK)."""

    id: str
    given: str
    follows: str


def units(text: str) -> list[str]:
    """Return the words of a text, casefolded; each CJK character is one. Punctuation is no part of it."""
    return [found.group().casefold() for found in _UNIT.finditer(text)]


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, spread evenly."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def half(item: Item) -> Cut | None:
    """Cut a question, options included, in the middle; None where too little is left, or the rest only repeats.

    After Golchin and Surdeanu 2308.08493, who let a model complete the second half of an item.
    """
    text = "\n".join([item.question.strip(), *_lines(item.choices)])
    places = [found.start() for found in _UNIT.finditer(text)]
    if len(places) < 2 * _LEAST:
        return None
    at = places[len(places) // 2]
    given, follows = text[:at].rstrip(), text[at:]
    head, run = units(given), units(follows)[:RUN]
    copied = any(head[start : start + len(run)] == run for start in range(len(head) - len(run) + 1))
    return None if copied or len(run) < _LEAST else Cut(item.id, given, follows)


def last_option(item: Item) -> Cut | None:
    """Leave the text of the last option out; None where it is the answer, or could be guessed from what stands there.

    After Deng et al. 2311.09783, who mask a wrong option and have it guessed, here in its published place: numbers,
    single words and options that speak of others are left out.
    """
    if len(item.choices) < 3 or item.answer == LETTERS[len(item.choices) - 1]:  # noqa: PLR2004 - two are an alternative
        return None
    last = item.choices[-1]
    words, seen = units(last), units("\n".join([item.question, *item.choices[:-1]]))
    told = {word for word in words if not word.isdigit()} <= set(seen)
    if len(words) < 2 or told or _REFERS.search(last) or _NUMBER.match(last):  # noqa: PLR2004 - one word is too easy
        return None
    lines = _lines(item.choices)
    given = "\n".join([item.question.strip(), *lines[:-1], f"{LETTERS[len(lines) - 1]}."])
    return Cut(item.id, given, last)


def repeats(cut: Cut, said: str) -> bool:
    """Say whether an answer goes on as the text does, for 8 words or to its end."""
    run = units(cut.follows)[:RUN]
    return units(said)[: len(run)] == run


def continued(suite: Suite, cuts: Sequence[Cut], probe: str, *, one_line: bool) -> Suite:
    """Return the cuts as a suite that an engine can be asked: raw text where it can, else with an instruction.

    `one_line` ends raw answers at the end of their first line.
    """
    items = tuple(Item(cut.id, cut.given, answer=cut.follows) for cut in cuts)
    texts = [[cut.id, cut.given, cut.follows] for cut in cuts]
    return replace(
        suite, name=f"{suite.name}: {probe}", measures="score/v1", scorer="", forms=_FORMS, prefix="", system=None,
        shots=None, examples={}, max_tokens=_TOKENS, items=items,
        generation=Generation(thinking=False, stop=["\n"] if one_line else []),
        digest=digest_of([suite.digest, probe, _FORMS, _TOKENS, one_line, texts]),
    )  # fmt: skip


def rotations(suite: Suite, items: Sequence[Item]) -> Suite:
    """Return each item with its options in every cyclic order; `id@0` is the published one.

    Items are left out whose options speak of one another, or stand in the order of their numbers: no other order is
    as natural.
    """
    turned = []
    for item in items:
        if len(item.choices) < 3 or any(map(_REFERS.search, item.choices)) or _is_sorted(item.choices):  # noqa: PLR2004
            continue
        n, right = len(item.choices), LETTERS.find(item.answer)
        if not 0 <= right < n or len(item.answer) != 1:
            continue
        for shift in range(n):
            choices = tuple(item.choices[(place - shift) % n] for place in range(n))
            turned.append(replace(item, id=f"{item.id}@{shift}", choices=choices, answer=LETTERS[(right + shift) % n]))
    ids = [[one.id, one.question, list(one.choices)] for one in turned]
    return replace(
        suite, name=f"{suite.name}: order", items=tuple(turned), digest=digest_of([suite.digest, "order", ids])
    )


def _lines(choices: Sequence[str]) -> list[str]:
    """Write options as suites do."""
    return [f"{letter}. {text}" for letter, text in zip(LETTERS, choices, strict=False)]


def _is_sorted(choices: Sequence[str]) -> bool:
    """Say whether all options begin with numbers, in order."""
    found = [_NUMBER.match(choice) for choice in choices]
    try:
        numbers = [float(one.group(1).replace(",", "").rstrip(".")) for one in found if one]
    except ValueError:
        return False
    return len(numbers) == len(choices) and numbers in (sorted(numbers), sorted(numbers, reverse=True))
