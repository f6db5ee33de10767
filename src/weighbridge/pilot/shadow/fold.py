"""The fold of a shadow: pairs become sums, and once they suffice a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.arena.wording import WORDING
from weighbridge.pilot.journal.protocol import Notice
from weighbridge.pilot.shadow.pair import SCORING, Pair, settings_of
from weighbridge.pilot.shadow.report import report_of
from weighbridge.pilot.shadow.standing import harm_shown
from weighbridge.pilot.shadow.tally import Tally
from weighbridge.pilot.shadow.verdict import excess_of, verdict_kept, verdict_now
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Entry, Severity
    from weighbridge.pilot.route import Route
    from weighbridge.pilot.shadow.verdict import Verdict

__all__ = ["PREFIX", "ShadowFold"]

PREFIX = "shadow/"
_WHOSE = ("candidate", "judge")


class ShadowFold:
    """A Fold over the entries of kind `pair` of a route that were scored under its settings.

    It raises `shadow.concluded` once, with a `shadow/v1` as evidence; `shadow.withdrawn` at most once, with another,
    where the judge is shown later to go by place; and `shadow.budget_spent` once a day for candidate and judge.
    Raises ValueError for a route without a shadow.
    """

    def __init__(self, route: Route) -> None:
        self._test = settings_of(route)
        shadow = route.shadow
        if shadow is None:  # settings_of has raised
            raise ValueError(route.name)
        judge = shadow.terms.judge
        self._route = route.name
        self._about: dict[str, Any] = {
            "route": route.name,
            "primary": route.primary.decision,
            "primary_model": route.primary.upstream.model,
            "candidate": shadow.leg.decision,
            "candidate_model": shadow.leg.upstream.model,
            "judge": judge.upstream.model if judge is not None else "",
            "margin": shadow.terms.margin,
            "scoring": SCORING,
        }

    @property
    def name(self) -> str:
        """Name the document: other settings begin another one."""
        return f"{PREFIX}{self._route}/{self._test}"

    @property
    def route(self) -> str:
        """Name the route."""
        return self._route

    def begin(self) -> Mapping[str, Any]:
        """Return the sums of nothing, and what they are about."""
        return Tally.empty() | {"about": self._about}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Return the sums with these entries; those of other settings are passed over."""
        mine = [entry for entry in entries if entry.kind == "pair" and entry.facts.get("test") == self._test]
        if not mine:
            return body, ()
        tally, notices = Tally(body), []
        for entry in mine:
            if "spent_out" in entry.facts:
                notices += self._spent_out(tally, entry)
                continue
            try:
                counts = tally.add(Pair.from_facts(entry.facts), entry.at)
            except (TypeError, ValueError):  # of a node that runs another version
                tally.body["unreadable"] += 1
                continue
            if counts:
                notices += self._conclude(tally, entry) if tally.body["concluded"] is None else self._keep(tally, entry)
        return tally.body, notices

    def _spent_out(self, tally: Tally, entry: Entry) -> list[Notice]:
        """Tell once a day that an allowance is spent."""
        whose, day = entry.facts.get("spent_out"), entry.facts.get("day")
        known = tally.body["spent_out"]
        if whose not in _WHOSE or not isinstance(day, str) or known.get(whose, "") >= day:
            return []
        known[whose] = day
        return [self._notice(entry, "shadow.budget_spent", "info", {"of": whose, "day": day})]

    def _conclude(self, tally: Tally, entry: Entry) -> list[Notice]:
        """Reach a verdict, if the pairs suffice."""
        verdict = verdict_now(tally.body)
        if verdict in {"not yet", "not looked at"}:
            return []
        severity: Severity = "info" if verdict == "not worse" else "warning"
        return [self._notice(entry, "shadow.concluded", severity, self._settled(tally, entry, verdict))]

    def _keep(self, tally: Tally, entry: Entry) -> list[Notice]:
        """Withdraw a verdict that its judge turns out not to have reached by the answers; for good."""
        verdict = verdict_kept(tally.body)
        if verdict == tally.body["concluded"]["verdict"]:
            return []
        return [self._notice(entry, "shadow.withdrawn", "warning", self._settled(tally, entry, verdict))]

    def _settled(self, tally: Tally, entry: Entry, verdict: Verdict) -> dict[str, Any]:
        """Write a verdict down, and return what is told of it."""
        tally.body["concluded"] = {"verdict": verdict, "at": entry.at, "number": entry.number}
        report = report_of(tally.body, WORDING)
        return {
            "verdict": verdict,
            "candidate": self._about["candidate_model"],
            "primary": self._about["primary_model"],
            "margin": self._about["margin"],
            "preference": report["preference"],
            "excess": harm_shown(excess_of(tally.body), self._about["margin"]),
            "first": report["shown_first"],
            "evidence": {"kind": "shadow/v1", "body": report},
        }

    def _notice(self, entry: Entry, event: str, severity: Severity, facts: Mapping[str, Any]) -> Notice:
        """Return a notice about the candidate."""
        facts = {"route": self._route, **facts}
        return Notice(
            f"{self.name}:{entry.number}:{event}", entry.at, self._route, event, severity, told(event, facts),
            self._about["candidate"], facts,
        )  # fmt: skip
