"""What `gateway.toml` asks for, before the evidence has been asked: plans of routes and of their legs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.route import CanarySettings, ObserveTerms, Route, ShadowSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from weighbridge.pilot.route import CanaryTerms, Leg, ShadowTerms, UpstreamSettings

__all__ = [
    "LATEST",
    "WEIGHED",
    "AlarmPlan",
    "CanaryPlan",
    "GatewayFile",
    "LegPlan",
    "RoutePlan",
    "ShadowPlan",
    "Unverified",
]

LATEST = "latest"
WEIGHED = "weighed"


@dataclass(frozen=True, slots=True)
class Unverified:
    """That somebody serves what cannot be held against its decision: why, and until when (the last day)."""

    because: str
    until: date


@dataclass(frozen=True, slots=True)
class LegPlan:
    """One model as the file names it.

    `decision` is an id (12 hex digits or more), or `latest`: then the newest about `reference` by `policy` counts.
    `accepts` are the conditions that the team meets. `mirror` is an absolute path, "" for none; `fingerprint` is the id
    of an `endpoint/v1` statement, `weighed` for the one that the decision had in view, "" for none.
    """

    upstream: UpstreamSettings
    decision: str
    reference: str = ""
    policy: str = ""
    accepts: tuple[str, ...] = ()
    mirror: str = ""
    fingerprint: str = ""
    unverified: Unverified | None = None


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """As `ShadowSettings`."""

    leg: LegPlan
    terms: ShadowTerms


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """As `CanarySettings`."""

    leg: LegPlan
    terms: CanaryTerms


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """Who is told of alarms: the variables that hold a webhook's address and the secret that signs, "" for none.

    With `reopens` an alarm makes the decision of the leg stale: the leg closes after `grace_s` seconds, and at once
    where another model answers than was weighed. `language` is that of the webhook's text.
    """

    webhook_variable: str = ""
    secret_variable: str = ""
    reopens: bool = True
    grace_s: float = 72 * 3600.0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One `[[route]]`."""

    name: str
    primary: LegPlan
    fallbacks: tuple[LegPlan, ...] = ()
    shadow: ShadowPlan | None = None
    canary: CanaryPlan | None = None
    retries: int = 1
    observe: ObserveTerms = field(default_factory=ObserveTerms)

    def legs(self) -> tuple[tuple[str, LegPlan], ...]:
        """Return all legs under the names that audit and metrics use."""
        shadow = (("shadow", self.shadow.leg),) if self.shadow else ()
        canary = (("canary", self.canary.leg),) if self.canary else ()
        fallbacks = ((f"fallback-{number}", leg) for number, leg in enumerate(self.fallbacks, 1))
        return (("primary", self.primary), *canary, *fallbacks, *shadow)

    def with_legs(self, legs: Mapping[str, Leg]) -> Route:
        """Return the route that serves these legs, by the same names."""
        shadow, canary = self.shadow, self.canary
        return Route(
            name=self.name,
            primary=legs["primary"],
            fallbacks=tuple(legs[f"fallback-{number}"] for number in range(1, len(self.fallbacks) + 1)),
            shadow=ShadowSettings(legs["shadow"], shadow.terms) if shadow else None,
            canary=CanarySettings(legs["canary"], canary.terms) if canary else None,
            retries=self.retries,
            observe=self.observe,
        )


@dataclass(frozen=True, slots=True)
class GatewayFile:
    """The whole file; `digest` is that of its bytes.

    `limits` are the bounds that the file sets, by the names of `weighbridge.gateway.request.bounds.Bounds`.
    """

    path: Path
    digest: str
    host: str
    port: int
    workspace: Path
    routes: tuple[RoutePlan, ...]
    limits: dict[str, Any] = field(default_factory=dict)
    alarm: AlarmPlan = AlarmPlan()

    @property
    def head(self) -> tuple[object, ...]:
        """What only a restart can change."""
        return self.host, self.port, self.workspace, tuple(sorted(self.limits.items())), self.alarm
