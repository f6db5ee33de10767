"""The three sentences that head a route: which situation makes which, and that each has words in every language."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.dossier.locale import LANGUAGES, load_locale
from weighbridge.web.pages.pilot import gist
from weighbridge.web.pages.pilot.gist import TONES, gist_of

_LEGS = {"state": "open", "doubt": ""}
_STEPPING = {"state": "stepping", "harm_share": 0.1, "share": 0.05, "may_stop": True, "rests_on": ""}
_LEARNED = {"seen": 900, "learned": 500, "to_learn": 500}
_OVER = {**_STEPPING, "state": "rolled back", "may_stop": False}


def _row(**changed: Any) -> dict[str, Any]:
    """Return a route that is served and watched."""
    legs = [{"leg": "primary", **_LEGS}, {"leg": "canary", **_LEGS}]
    quiet = {"legs": legs, "open_alarms": 0, "unread": [], "canary": None, "shadow": None, "drift": _LEARNED}
    return {**quiet, **changed}


def _legs(leg: str, **changed: Any) -> list[dict[str, Any]]:
    """Return legs of which one is otherwise."""
    return [{**one, **(changed if one["leg"] == leg else {})} for one in _row()["legs"]]


@pytest.mark.parametrize(
    ("row", "says", "tone"),
    [
        (_row(), "steady", "well"),
        (_row(drift=None), "unseen", "well"),
        (_row(drift={**_LEARNED, "learned": 499}), "learning", "well"),
        (_row(legs=_legs("canary", state="unknown")), "unchecked", "look"),
        (_row(canary=_STEPPING), "stepping", "trial"),
        (_row(canary={**_STEPPING, "state": "measuring"}), "measuring", "trial"),
        (_row(canary={**_STEPPING, "harm_share": 0.5}), "doubt", "look"),
        (_row(canary={**_STEPPING, "harm_share": 1.0, "rests_on": "k1"}), "doubt of one", "look"),
        (_row(canary={**_STEPPING, "state": "done", "share": 1.0}), "passed", "look"),
        (_row(canary={**_STEPPING, "state": "done", "share": 0.5}), "held", "look"),
        (_row(canary={**_STEPPING, "state": "done", "share": 1.0, "harm_share": 0.9}), "doubt", "look"),
        (_row(canary={**_STEPPING, "state": "stopped", "may_stop": False}), "stopped", "look"),
        (_row(canary={**_STEPPING, "state": "rolled back", "may_stop": False}), "rolled back", "look"),
        (_row(canary={**_STEPPING, "state": "rolled back", "may_stop": False}, open_alarms=1), "regressed", "act"),
        (_row(shadow={"verdict": "worse"}), "worse", "look"),
        (_row(shadow={"verdict": "not looked at"}), "not looked at", "trial"),
        (_row(shadow={"verdict": "worse"}, canary=_STEPPING), "stepping", "trial"),
        (_row(open_alarms=1), "alarmed", "act"),
        (_row(open_alarms=1, legs=_legs("primary", doubt="served until tomorrow only")), "reopened", "act"),
        (_row(legs=_legs("primary", doubt="served until tomorrow only")), "in_grace", "act"),  # its alarm is answered
        (_row(open_alarms=1, legs=_legs("primary", state="refused")), "closed", "act"),
        (_row(canary=_STEPPING, legs=_legs("canary", state="refused")), "candidate_closed", "act"),
        (_row(unread=["canary"]), "unread", "look"),
        (_row(canary=_OVER, legs=_legs("canary", state="refused", doubt="served until")), "rolled back", "look"),
        (_row(legs=[*_row()["legs"], {"leg": "fallback-1", "state": "refused", "doubt": ""}]), "partly", "look"),
    ],
)
def test_the_most_urgent_is_said(row: dict[str, Any], says: str, tone: str) -> None:
    """Nobody served goes before an alarm, that before a candidate, its canary before its shadow."""
    found = gist_of(row)
    assert (found["says"], found["tone"]) == (says, tone)


def test_every_sentence_has_words_in_every_language() -> None:
    """A code without words would fail the page on the day that it is needed."""
    for says, (tone, then, do) in gist._GISTS.items():
        assert tone in TONES
        for language in LANGUAGES:
            t = load_locale(language)
            assert t(f"pilot_says.{says}")
            assert t(f"pilot_then.{then}", share="5%")
            assert t(f"pilot_do.{do}")
