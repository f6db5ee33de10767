"""Texts of pairs, where an operator asked for them: redacted, in a file of one's own, for thirty days.

Nothing else of the pilot holds a text. Redaction is best effort: it finds what has a form (addresses, numbers, keys),
and no names, and nothing that is spelt otherwise.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from weighbridge.pilot.shadow.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["KEPT_DAYS", "MOST_FILE_BYTES", "TextKeeper", "redacted"]

KEPT_DAYS = 30
MOST_FILE_BYTES = 64 << 20
_MOST_CHARACTERS = 12_000  # of each text
_BEYOND = 4_000  # characters that are read, too: a secret must not be cut in two, and its first half kept
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_DIVISOR, _REST = 97, 1
_NINE, _TEN = 9, 10
_CARD_DIGITS = range(12, 20)
_LEAST_GROUP = 3
_DIGITS = re.compile("[0-9]+")


def redacted(text: str) -> str:
    """Return a text with keys, e-mail addresses, IBANs, identity, card and phone numbers replaced: `[key]` and so on.

    They are found however their characters are written (`folding`); all else stays as it is.
    """
    seen = folded(text)
    for name, pattern, check in _redactions():
        passes = _CHECKS[check]
        spans = [match.span() for match in pattern.finditer(seen) if passes(match[0])]
        if spans:
            text, seen = (_replaced(one, spans, f"[{name}]") for one in (text, seen))
    return text


@dataclass(frozen=True, slots=True)
class TextKeeper:
    """Appends texts to `FOLDER/ROUTE/YYYY-MM-DD.jsonl` (mode 0600), `now` being the wall clock.

    Old files go whenever a new one begins, and when a gateway starts.
    """

    folder: Path
    now: Callable[[], float]
    most_bytes: int = MOST_FILE_BYTES

    def keep(self, route: str, exchange_id: str, texts: tuple[str, str, str]) -> bool:
        """Keep prompt, our answer and the candidate's; False where today's file is full. Raises OSError."""
        today = datetime.fromtimestamp(self.now(), UTC).date()
        folder = self.folder / quote(route, safe="")
        path = folder / f"{today.isoformat()}.jsonl"
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.forget()
        prompt, ours, theirs = (redacted(text[: _MOST_CHARACTERS + _BEYOND])[:_MOST_CHARACTERS] for text in texts)
        row = {"id": exchange_id, "prompt": prompt, "primary": ours, "candidate": theirs}
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        handle = os.open(path, _FLAGS, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size + len(line) > self.most_bytes:
                return False
            if os.write(handle, line) < len(line):
                os.ftruncate(handle, size)  # half a line would take the next one with it
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
        return True

    def forget(self) -> None:
        """Delete the files of days that are over, of all routes; what is not ours stays. Raises OSError."""
        last = datetime.fromtimestamp(self.now(), UTC).date() - timedelta(days=KEPT_DAYS)
        for path in self.folder.glob("*/*.jsonl"):
            try:
                is_old = date.fromisoformat(path.stem) <= last
            except ValueError:
                continue
            if is_old:
                path.unlink(missing_ok=True)


@cache
def _redactions() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Return name, pattern and check of every redaction (redactions.toml)."""
    table = tomllib.loads(files(__package__).joinpath("redactions.toml").read_text("utf-8"))
    return tuple((row["name"], re.compile(row["pattern"]), row.get("check", "")) for row in table["redaction"])


def _replaced(text: str, spans: Sequence[tuple[int, int]], replacement: str) -> str:
    """Return a text with its spans replaced; they are in order, and apart."""
    ends = [0, *(end for _, end in spans)]
    begins = [*(begin for begin, _ in spans), len(text)]
    return replacement.join(text[end:begin] for end, begin in zip(ends, begins, strict=True))


def _has_card(text: str) -> bool:
    """Whether all digits are a card's number, or groups of three and more are: another number may stand beside it."""
    groups = _DIGITS.findall(text)
    if _is_card("".join(groups)):
        return True
    for first in range(len(groups)):
        number = ""
        for group in groups[first:]:
            number += group
            if len(group) < _LEAST_GROUP or len(number) > _CARD_DIGITS.stop:
                break
            if _is_card(number):
                return True
    return False


def _is_card(number: str) -> bool:
    """Whether digits are as many as a card has, and pass the check of ISO/IEC 7812-1, annex B."""
    if len(number) not in _CARD_DIGITS:
        return False
    digits = [int(one) for one in number]
    doubled = [2 * one - _NINE if 2 * one > _NINE else 2 * one for one in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % _TEN == 0


def _mod97(text: str) -> bool:
    """Whether an IBAN's two digits are right (ISO 7064)."""
    bare = text.replace(" ", "").replace("-", "").upper()
    return int("".join(str(int(one, 36)) for one in bare[4:] + bare[:4])) % _DIVISOR == _REST


def _is_identity(text: str) -> bool:
    """Whether the last of 18 characters is the check of the others (GB 11643-1999: ISO 7064, MOD 11-2)."""
    total = sum(int(one) * pow(2, 17 - place, 11) for place, one in enumerate(text[:-1]))
    return "10X98765432"[total % 11] == text[-1].upper()


_CHECKS: dict[str, Callable[[str], bool]] = {"": bool, "luhn": _has_card, "mod97": _mod97, "mod11": _is_identity}
