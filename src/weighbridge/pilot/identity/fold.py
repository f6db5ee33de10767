"""The identity monitor: a sequential detector over the checks of one leg's fingerprint.

One check that differs closes the leg for as long as it does (`pilot.admission`). The monitor sums over checks: it sees
what no single one shows, and it says that the model has changed only where chance would hardly ever say so. While the
mean distance, given the past, is at most the one in `USUAL`, the mean number of checks until a false alarm is at least
CHECKS, whatever the distribution (Shiryaev-Roberts e-detector, `weighbridge.statistics.drift`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.engine.discovery.fingerprint import OTHER_KERNELS
from weighbridge.pilot.journal.protocol import Notice
from weighbridge.pilot.words import told
from weighbridge.statistics.drift import SRDetector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Entry, Severity
    from weighbridge.pilot.route import Leg, Route

__all__ = ["CHECKS", "USUAL", "IdentityFold", "identity_folds"]

CHECKS = 100_000
"""Least mean number of checks between two false alarms of a leg, all its streams together: 11 years of hourly ones."""

USUAL = {"completion": OTHER_KERNELS["rows"], "chat": OTHER_KERNELS["rows"], "texts": OTHER_KERNELS["texts"]}
"""Mean distance of the same model, by stream."""

_MULTIPLES = (2.0, 5.0, 17.0)
_ROOM = "identity"


class IdentityFold:
    """Follows one leg of a route; another decision, fingerprint or upstream begins anew.

    The body: `checks`; `verdict`, `why`, `at`, `distances` and `usual` ones of the last check; `alarm`, the notice's
    id until it is acknowledged, else ""; and for each stream its last `distance`, the `usual` one, the detector's
    `values`, their mean as `value` and the `threshold` that it is held against.
    """

    def __init__(self, route: str, role: str, leg: Leg) -> None:
        self.route = route
        self._role = role
        self._leg = leg
        upstream = leg.upstream
        settings = [role, leg.decision, leg.fingerprint, upstream.url, upstream.model, CHECKS, [*USUAL.values()]]
        self.name = f"{_ROOM}/{route}/{digest_of(settings)[7:19]}"

    def begin(self) -> Mapping[str, Any]:
        """Return the body before any check."""
        last = {"verdict": "", "why": "", "at": 0.0, "distances": {}, "usual": {}}
        return {"leg": self._role, "checks": 0, **last, "alarm": "", "streams": {}}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Take checks of this leg, and answers to its alarm."""
        notices: list[Notice] = []
        for entry in entries:
            if entry.kind == "order":
                body = self._ordered(body, entry)
            elif entry.kind == "probe" and self._is_ours(entry.facts):
                check = _check_of(entry)
                if check is not None:
                    body, raised = self._checked(body, entry, check)
                    notices += raised
        return body, notices

    def _is_ours(self, facts: Mapping[str, Any]) -> bool:
        ours = (self._role, self._leg.decision, self._leg.fingerprint)
        return (facts.get("leg"), facts.get("decision"), facts.get("reference")) == ours

    def _ordered(self, body: Mapping[str, Any], entry: Entry) -> Mapping[str, Any]:
        """Begin anew where somebody has answered the alarm."""
        facts = entry.facts
        is_meant = (facts.get("to"), facts.get("do"), facts.get("alarm")) == (_ROOM, "acknowledge", body["alarm"])
        return {**body, "alarm": "", "streams": {}} if is_meant and body["alarm"] else body

    def _checked(
        self, body: Mapping[str, Any], entry: Entry, check: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], list[Notice]]:
        """Return the body after a check, and what it raised."""
        streams = {**body["streams"]}
        for name, distance in check["distances"].items():
            streams[name] = _after(streams.get(name, {}), name, distance)
        after = {**body, "checks": body["checks"] + 1, **check, "streams": streams}
        notices = []
        if check["verdict"] == "differs" != body["verdict"]:
            notices.append(self._notice(entry, "identity.differs", "warning", after))
        if not body["alarm"] and any(one["value"] >= one["threshold"] for one in streams.values()):
            notices.append(self._notice(entry, "identity.changed", "alarm", after))
            after["alarm"] = notices[-1].id
        return after, notices

    def _notice(self, entry: Entry, event: str, severity: Severity, body: Mapping[str, Any]) -> Notice:
        """Return a notice with the last distance of every stream."""
        facts = {
            "leg": self._role,
            "model": self._leg.upstream.model,
            "fingerprint": self._leg.fingerprint,
            "verdict": body["verdict"],
            "checks": body["checks"],
            "false_alarm_every_checks": CHECKS,
            "distances": {name: one["distance"] for name, one in body["streams"].items()},
            "usual": {name: one["usual"] for name, one in body["streams"].items()},
        }
        why = told(event, facts, body["why"])
        return Notice(
            f"{self.name}:{entry.number}:{event}", entry.at, self.route, event, severity, why, self._leg.decision, facts
        )


def identity_folds(route: Route) -> tuple[IdentityFold, ...]:
    """Return a monitor for each leg of a route whose fingerprint is held against the one that was weighed."""
    legs = [("primary", route.primary)]
    legs += [("canary", route.canary.leg)] if route.canary else []
    legs += [(f"fallback-{number}", leg) for number, leg in enumerate(route.fallbacks, 1)]
    legs += [("shadow", route.shadow.leg)] if route.shadow else []
    return tuple(IdentityFold(route.name, role, leg) for role, leg in legs if leg.fingerprint)


def _check_of(entry: Entry) -> dict[str, Any] | None:
    """Return what one check found; None for an entry of another version."""
    facts = entry.facts
    try:
        distances = {name: float(one) for name, one in facts["distances"].items() if name in USUAL}
        found = {"verdict": str(facts["verdict"]), "why": str(facts["why"])}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return {**found, "at": entry.at, "distances": distances, "usual": {name: USUAL[name] for name in distances}}


def _after(stream: Mapping[str, Any], name: str, distance: float) -> dict[str, Any]:
    """Return a stream after one more distance."""
    detector = SRDetector(USUAL[name], 2.0 * CHECKS, _MULTIPLES)  # two streams at the most: half the errors each
    detector.values = [*stream.get("values", detector.values)]
    detector.update(min(1.0, max(0.0, distance)))
    return {
        "distance": distance,
        "usual": USUAL[name],
        "values": detector.values,
        "value": detector.value,
        "threshold": detector.threshold,
    }
