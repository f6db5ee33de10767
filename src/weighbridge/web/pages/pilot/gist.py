"""The gist of a route: whether its model is safe, what happens next by itself, and what there is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TONES", "gist_of"]

TONES = ("act", "look", "trial", "well")
"""What a route wants, the most urgent first: somebody now, somebody's look, time alone, nothing."""

_DOUBT = 0.5  # of the evidence that rolls a candidate back
# what is said: its tone, what happens next by itself, and what there is to do, each a code of the locale
_GISTS = {
    "closed": ("act", "shut", "open"),
    "candidate_closed": ("act", "shut_candidate", "open"),
    "regressed": ("act", "out", "answer"),
    "reopened": ("act", "grace", "answer_and_decide"),
    "in_grace": ("act", "grace", "decide"),
    "alarmed": ("act", "silent", "answer"),
    "rolled back": ("look", "out", "find_out"),
    "partly": ("look", "others", "open"),
    "unread": ("look", "unread", "same_version"),
    "stopped": ("look", "out", "start"),
    "doubt": ("look", "roll", "look_at_signs"),
    "doubt of one": ("look", "waits", "look_at_key"),
    "passed": ("look", "stays", "promote"),
    "held": ("look", "stays", "promote"),
    "worse": ("look", "only_compared", "drop"),
    "not worse": ("look", "only_compared", "try"),
    "unchecked": ("look", "checks", "ask"),
    "stepping": ("trial", "step", "nothing"),
    "measuring": ("trial", "begin", "nothing"),
    "not yet": ("trial", "compare", "nothing"),
    "not looked at": ("trial", "compare", "judge"),
    "unseen": ("well", "learn", "nothing"),
    "learning": ("well", "learn", "nothing"),
    "steady": ("well", "watch", "nothing"),
}


def gist_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return codes: what a route `says`, its `tone`, what comes `then`, and what to `do`; `row` is the dashboard's."""
    says = _on_duty(row) or _on_trial(row) or _at_rest(row)
    tone, then, do = _GISTS[says]
    return {"says": says, "tone": tone, "then": then, "do": do}


def _on_duty(row: Mapping[str, Any]) -> str:
    """Return what wants somebody, "" for nothing: a leg is closed or in doubt, an alarm open, a room not readable."""
    canary = row["canary"]
    is_over = canary is not None and not canary["may_stop"]
    legs = [leg for leg in row["legs"] if not (is_over and leg["leg"] == "canary")]  # nobody is to get that one
    closed = {leg["leg"] for leg in legs if leg["state"] == "refused"}
    is_doubted = any(leg.get("doubt") for leg in legs)
    if "primary" in closed:
        return "closed"
    if row["open_alarms"]:
        if canary is not None and canary["state"] == "rolled back":
            return "regressed"
        return "reopened" if is_doubted else "alarmed"
    if is_doubted:
        return "in_grace"
    if closed:
        return "candidate_closed" if canary is not None and "canary" in closed else "partly"
    return "unread" if row["unread"] else ""


def _on_trial(row: Mapping[str, Any]) -> str:
    """Return where the trial of a candidate stands, "" without one: its canary goes before its shadow."""
    canary, shadow = row["canary"], row["shadow"]
    if canary is None:
        return str(shadow["verdict"]) if shadow is not None else ""
    if canary["state"] in {"stepping", "done"} and canary["harm_share"] >= _DOUBT:
        return "doubt of one" if canary["rests_on"] else "doubt"
    if canary["state"] == "done":
        return "passed" if canary["share"] >= 1 else "held"
    return str(canary["state"])


def _at_rest(row: Mapping[str, Any]) -> str:
    """Return how a route without a trial does."""
    drift = row["drift"]
    if any(leg["state"] == "unknown" for leg in row["legs"]):
        return "unchecked"
    if drift is None or not drift["seen"]:
        return "unseen"
    return "learning" if drift["learned"] < drift["to_learn"] else "steady"
