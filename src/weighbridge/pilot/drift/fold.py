"""The fold that watches a route's primary leg for drift."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.figures import alarm_of
from weighbridge.pilot.drift.state import State
from weighbridge.pilot.drift.table import CLUSTER
from weighbridge.pilot.journal.protocol import Notice
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Entry
    from weighbridge.pilot.route import Route

__all__ = ["ADDRESSEE", "DriftFold", "route_of_name"]

ADDRESSEE = "drift"
"""Orders to this room bear it as `to`: `{"to": "drift", "do": "acknowledge" | "learn", "by": ..., "because": ...}`."""

_LAYOUT = 3  # of the body; another one begins anew
_PRIMARY = "primary"
_ALARMED = "drift.alarmed"


def route_of_name(name: str) -> str:
    """Return the route that a drift document is about; "" for another document. Routes may hold slashes."""
    head, _, rest = name.partition("/")
    return rest.rpartition("/")[0] if head == ADDRESSEE else ""


class DriftFold:
    """Holds what is seen on the primary leg of a route against the first observations under its decision.

    Streams of yes and no (`streams.toml`), each with a Shiryaev-Roberts e-detector; an alarm is told once, and its
    stream is quiet until an operator acknowledges it. The reference stays until the decision changes, or an operator
    has it learned anew; never by itself. `standing.read_standing` reads the body for people.
    """

    def __init__(self, route: Route) -> None:
        self._route = route.name
        self._decision = route.primary.decision
        self._every = route.observe.false_alarm_every
        settings = json.dumps([_LAYOUT, self._decision, self._every])
        self._name = f"{ADDRESSEE}/{route.name}/{hashlib.sha256(settings.encode()).hexdigest()[:16]}"

    @property
    def name(self) -> str:
        """Name the document."""
        return self._name

    @property
    def route(self) -> str:
        """Name the route."""
        return self._route

    def begin(self) -> Mapping[str, Any]:
        """Return the body before any entry."""
        return {"decision": self._decision, "false_alarm_every": self._every, **State(self._every).to_json()}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Take observations of the primary leg under this decision, and orders."""
        state = State.from_json(body, self._every)
        notices: list[Notice] = []
        for entry in entries:
            if entry.kind == "seen":
                notices += self._see(state, entry)
            elif entry.kind == "order" and entry.facts.get("to") == ADDRESSEE:
                state, told = self._obey(state, entry)
                notices += told
        return {**body, **state.to_json()}, notices

    def _see(self, state: State, entry: Entry) -> Iterator[Notice]:
        """Take one observation."""
        if entry.facts.get("leg") != _PRIMARY or entry.facts.get("decision") != self._decision:
            return
        try:
            seen = Observation.from_facts(entry.facts)
        except TypeError:  # written by another version
            return
        for raised in state.take(seen):
            name, stream = raised.name, raised.stream
            notice_id = f"{self._name}:{entry.number}:{_ALARMED}:{name}"
            stream.alarm = {**alarm_of(raised), "id": notice_id, "at": entry.at}
            if stream.kind.name == CLUSTER and _is_told(state, name):
                continue  # where one kind of prompt grows, others do: one notice is enough
            figures = {key: value for key, value in stream.alarm.items() if key not in ("id", "at")}
            facts = {"route": self._route, "stream": name, **figures}
            why = told(_ALARMED, facts)
            yield Notice(notice_id, entry.at, self._route, _ALARMED, raised.severity, why, self._decision, facts)

    def _obey(self, state: State, entry: Entry) -> tuple[State, list[Notice]]:
        """Obey an order: `acknowledge` the alarms, or `learn` a new reference."""
        order = entry.facts.get("do")
        because, by = str(entry.facts.get("because", "")), str(entry.facts.get("by", ""))
        facts = {"route": self._route, "because": because, "by": by}
        if order == "acknowledge":
            which = entry.facts.get("alarm")  # the id of one notice; without it, all
            alarmed = [
                name
                for name, stream in state.streams.items()
                if stream.alarm and which in (None, stream.alarm.get("id"))
            ]
            for name in alarmed:
                state.streams[name].acknowledge()
            facts["streams"] = ", ".join(alarmed)
            event = "drift.acknowledged"
        elif order == "learn":
            state = State(self._every)
            event = "drift.learning"
        else:
            return state, []
        notice_id = f"{self._name}:{entry.number}:{event}"
        why = told(event, facts)
        return state, [Notice(notice_id, entry.at, self._route, event, "info", why, self._decision, facts)]


def _is_told(state: State, name: str) -> bool:
    """Say whether another kind of prompt is alarmed already."""
    return any(
        other != name and stream.kind.name == CLUSTER and stream.alarm is not None
        for other, stream in state.streams.items()
    )
