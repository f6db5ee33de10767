"""What `weighbridge pilot canary`, `shadow`, `drift` and `alarms` print: the same figures in every language."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.cli.layout import line, padded, wrapped
from weighbridge.cli.lines.canary import canary_lines, sign_lines
from weighbridge.cli.lines.drift import drift_lines
from weighbridge.cli.lines.pilot import alarm_lines
from weighbridge.cli.lines.shadow import detail_lines, shadow_lines
from weighbridge.core.estimate import Estimate
from weighbridge.dossier.locale import LANGUAGES, load_locale
from weighbridge.pilot.alarm.alarms import Alarm
from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.canary.standing import Row
from weighbridge.pilot.canary.standing import read_standing as read_canary
from weighbridge.pilot.drift.figures import share_of
from weighbridge.pilot.drift.standing import Standing, StreamStanding
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.pair import Pair, Spent, settings_of
from weighbridge.pilot.shadow.standing import read_standing as read_shadow

from .test_pilot_canary import ROUTE as CANARY_ROUTE
from .test_pilot_shadow import ROUTE as SHADOW_ROUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.dossier.locale import Locale

    Said = Callable[[Locale], Iterator[str]]

_FIGURE = re.compile(r"\d[\d.,:-]*\d|\d")
_RATE = Estimate(0.25, 0.125, 0.5, 44, "m")


def _canary(**known: Any) -> Said:
    standing = read_canary(CanaryFold(CANARY_ROUTE).begin())
    assert standing is not None
    rows = (Row("refused", _RATE, _RATE, 3.0, 2.0, 0.4, 0.2), Row("quality", _RATE, _RATE, 3.0, 2.0, 0.4, 0.2))
    now = replace(standing, since=1e9, late_s=1.5, rows=rows, **known)

    def said(t: Locale) -> Iterator[str]:
        yield from canary_lines("qwen", now, t)
        yield from sign_lines(now, t)

    return said


def _shadow() -> Said:
    fold, test = ShadowFold(SHADOW_ROUTE), settings_of(SHADOW_ROUTE)
    pairs = [
        Pair(f"x{n}", test, agreement=0.42, measure="words", refused=(False, n % 4 == 0), chars=(100, 150),
             failed="http_500" if n == 9 else "", gap=n == 8, chance=0.5, judged="win", first=n % 2 == 0,
             spent=Spent(1, 0.001, 1, 0.002))
        for n in range(10)
    ]  # fmt: skip
    entries = [Entry(1e9 + n, "qwen", "pair", one.to_facts(), n) for n, one in enumerate(pairs, 1)]
    entries.append(Entry(1e9, "qwen", "pair", {"test": test, "spent_out": "judge", "day": "2026-11-22"}, 20))
    now = read_shadow(fold.take(fold.begin(), entries)[0])

    def said(t: Locale) -> Iterator[str]:
        yield from shadow_lines("qwen", now, t)
        yield from detail_lines(now, t)

    return said


def _drift() -> Said:
    shares = {"since": share_of(20, 300), "reference": share_of(60, 3000)}
    alarm = {**shares, "at": 1e9, "severity": "alarm", "key": "", "doubt": ""}
    names = ("refused", "failed", "cluster-4")
    streams = tuple(
        StreamStanding(name, name, "rise", "alarm", share_of(60, 3000), share_of(20, 300), 0.07, 300, alarm)
        for name in names
    )
    return lambda t: drift_lines("qwen", Standing("sha256:d", 3300, 20_000, 300, streams, 17, ("wb7a",)), t)


def _alarm(answered_at: str) -> Said:
    facts = {"distances": {"chat": 0.124}, "usual": {"chat": 0.03}}
    alarm = Alarm(
        "sha256:a", "sha256:s", "identity/qwen/5f:9:identity.changed", "qwen", "alarm", "identity.changed",
        "sha256:d", "as it was", facts, "2026-11-22T10:00:00+00:00", "75 looked fine", "ana", answered_at,
    )  # fmt: skip
    return lambda t: alarm_lines(alarm, t)


_ALL: dict[str, Said] = {
    "measuring": _canary(measured=7),
    "stepping": _canary(state="stepping", share=0.05, needed=1234, pairs_needed=77, wait_s=300.0, least_callers=31),
    "nothing needed": _canary(state="stepping", share=0.05),
    "set apart": _canary(state="stepping", share=0.05, apart=("wb3f", "*"), code="canary.key_set_apart",
                         facts={"key": "wb3f"}),
    "steerable": _canary(state="stepping", share=0.05, rests_on="wb7a", speaks_for_all=("wb7a", "team-2/*")),
    "done": _canary(state="done", share=0.5),
    "done for all": _canary(state="done", share=1.0),
    "stopped": _canary(state="stopped", code="canary.stopped", facts={"because": "", "by": "ana"}, by="ana"),
    "shadow": _shadow(),
    "drift": _drift(),
    "open alarm": _alarm(""),
    "answered alarm": _alarm("2026-11-23T10:00:00+00:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", _ALL)
def test_every_language_has_the_same_figures(name: str) -> None:
    """Whatever is shown; the Chinese lines have Chinese words, and no line is wider than a wide terminal's."""
    english, chinese = (list(_ALL[name](load_locale(language))) for language in ("en", "zh"))
    figures = [Counter(_FIGURE.findall(" ".join(lines))) for lines in (english, chinese)]
    assert figures[0] == figures[1]
    assert figures[0]
    assert sum("\u4e00" <= one <= "\u9fff" for one in "".join(chinese)) > 10
    assert not any("\u4e00" <= one <= "\u9fff" for one in "".join(english))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_canary_of_an_older_version_says_what_it_said_then(language: str) -> None:
    """Its document has a sentence, and neither code nor facts."""
    body = {**CanaryFold(CANARY_ROUTE).begin(), "state": "rolled back", "why": "refused: 5 of 7 answers"}
    new = ("code", "facts", "rests_on", "speaks_for_all")
    old = read_canary({name: value for name, value in body.items() if name not in new})
    assert old is not None
    assert (old.code, old.facts) == ("", {})
    assert "refused: 5 of 7 answers" in " ".join(canary_lines("qwen", old, load_locale(language)))


def test_columns_count_what_a_terminal_shows() -> None:
    """A Chinese character takes two columns (Unicode Standard Annex 11), so columns and line ends stay in place."""
    assert padded("拒答", 6) == "拒答  "
    assert line("拒答", "x").index("x") == line("refused", "x").index("x") - 2
    for text in wrapped("同样好的候选被回滚的概率至多为" * 20):
        assert sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text) <= 110
