"""The canary as a fold: from what nodes saw and operators ordered to the share that all nodes serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of, short
from weighbridge.pilot.canary.quality import quality_terms
from weighbridge.pilot.canary.report import notice_of, start_of
from weighbridge.pilot.canary.said import Said, said_of
from weighbridge.pilot.canary.trial import Ground, Trial
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.shadow.pair import Pair
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.pilot.canary.lane import Arm
    from weighbridge.pilot.canary.trial import Event
    from weighbridge.pilot.journal.protocol import Entry, Notice
    from weighbridge.pilot.route import CanarySettings, Leg, Route

__all__ = ["CanaryFold", "canary_name"]

_ROOM = "canary"
_ARMS: dict[str, Arm] = {"primary": "primary", "canary": "canary"}
_LONGEST = 500  # characters of an order's words
_STARTED, _UNREADABLE = "canary.started", "canary.unreadable"


def canary_name(route: Route) -> str:
    """Name the document of a route's canary: it is that of the candidate, whatever its terms, decision and primary are.

    So nothing but an operator's order brings back a candidate that was rolled back. Raises ValueError for a route that
    has no canary.
    """
    return f"{_ROOM}/{route.name}/{short(digest_of(_artefact(_settings(route).leg)))}"


class CanaryFold:
    """Follows one route's canary; raises ValueError for a route that has none.

    Takes `seen` entries of both legs, under the decisions that the legs rest on now, pairs of a shadow of the same
    candidate that has a judge, and orders to `canary`.
    """

    def __init__(self, route: Route) -> None:
        self._settings = _settings(route)
        self._route = route
        self._name = canary_name(route)
        self._decisions: dict[Arm, str] = {"primary": route.primary.decision, "canary": self._settings.leg.decision}
        terms, longest_s = self._settings.terms, _longest_s(route)
        self._judged = quality_terms(route)
        settle_s = min(terms.hold_s, longest_s)
        self._ground = Ground(terms, settle_s, longest_s, short(digest_of(_artefact(route.primary))), self._judged)

    @property
    def name(self) -> str:
        """Name the document."""
        return self._name

    @property
    def route(self) -> str:
        """Name the route whose entries are taken."""
        return self._route.name

    def begin(self) -> Mapping[str, Any]:
        """Return the body before any entry."""
        return Trial(self._ground).body()

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Return the body after these entries, and the steps up and down that follow."""
        trial = self._trial(body)
        notices: list[Notice] = []
        is_taken = False
        for entry in entries:
            if entry.kind == "seen":
                is_taken = self._see(trial, entry, notices) or is_taken
            elif entry.kind == "pair":
                is_taken = self._hear(trial, entry, notices) or is_taken
            elif entry.kind == "order" and entry.facts.get("to") == _ROOM and entry.facts.get("about") == self._name:
                trial = self._obey(trial, entry, notices)
                is_taken = True
        return (trial.body() if is_taken else body), notices

    def _trial(self, body: Mapping[str, Any]) -> Trial:
        """Return the trial of a body; one that cannot be read, as after an upgrade, is stopped and not begun anew."""
        try:
            return Trial.of(body, self._ground)
        except (KeyError, TypeError, ValueError, AttributeError):
            number = body.get("trial")
            trial = Trial(self._ground, number if isinstance(number, int) else 1)
            trial.carry_out("canary.stopped", Said(told(_UNREADABLE, {}), code=_UNREADABLE))
            return trial

    def _see(self, trial: Trial, entry: Entry, notices: list[Notice]) -> bool:
        """Take what was seen, where it is of these legs, and at a time that can be true."""
        if self._seen(entry.facts) is None:
            return False
        for _, number, facts in trial.clock.ready(entry):
            seen = self._seen(facts)
            if seen is not None:
                trial.see(*seen)
                self._look(trial, number, notices)
        return True

    def _seen(self, facts: Mapping[str, Any]) -> tuple[Arm, Observation] | None:
        """Return what facts tell of one of these legs, None where they do not."""
        try:
            observation = Observation.from_facts(facts)
        except TypeError:
            return None
        arm = _ARMS.get(observation.leg)
        return None if arm is None or observation.decision != self._decisions[arm] else (arm, observation)

    def _hear(self, trial: Trial, entry: Entry, notices: list[Notice]) -> bool:
        """Take a judged pair of answers, where it is of this candidate under the settings of now."""
        if self._judged is None or entry.facts.get("test") != self._judged.test or "spent_out" in entry.facts:
            return False
        try:
            is_counted = trial.hear(Pair.from_facts(entry.facts), entry.at)
        except (TypeError, ValueError):  # of a node that runs another version
            return False
        if is_counted:
            self._look(trial, entry.number, notices)
        return is_counted

    def _look(self, trial: Trial, number: int, notices: list[Notice]) -> None:
        """Follow what is due, if anything is."""
        event = trial.due()
        if event is not None:
            self._follow(trial, number, event, notices)

    def _obey(self, trial: Trial, entry: Entry, notices: list[Notice]) -> Trial:
        """Stop a canary that may run, or start the next trial of one that may not; anything else changes nothing."""
        trial.clock.now = trial.clock.now or entry.at
        by, because = (str(entry.facts.get(key, ""))[:_LONGEST] for key in ("by", "because"))
        is_over = trial.state in {"rolled back", "stopped"}
        if entry.facts.get("do") == "stop" and not is_over:
            self._follow(trial, entry.number, "canary.stopped", notices, by=by, because=because)
        elif entry.facts.get("do") == "start" and is_over:
            started = Trial(self._ground, trial.number + 1, trial.clock)
            facts = {"by": by, "because": because}
            started.said = Said(told(_STARTED, facts), by, _STARTED, facts)
            notices.append(start_of(self._route, started, f"{self._name}/{entry.number}"))
            return started
        return trial

    def _follow(
        self, trial: Trial, number: int, event: Event, notices: list[Notice], *, by: str = "", because: str = ""
    ) -> None:
        """Do what is due, and tell of it."""
        said = said_of(trial, event, by, because)
        notices.append(notice_of(self._route, trial, f"{self._name}/{number}/{event}", event, said))
        trial.carry_out(event, said)


def _settings(route: Route) -> CanarySettings:
    """Return the canary of a route, or raise."""
    if route.canary is None:
        raise ValueError(f"`{route.name}` has no canary")
    return route.canary


def _artefact(leg: Leg) -> str | list[str]:
    """Return what a leg serves: what was weighed; where nothing ties it to bytes, its name and where it is served."""
    return leg.digest or [leg.reference, leg.upstream.url, leg.upstream.model]


def _longest_s(route: Route) -> float:
    """Return how long an answer of either model may take."""
    return max(route.primary.upstream.total_s, _settings(route).leg.upstream.total_s)
