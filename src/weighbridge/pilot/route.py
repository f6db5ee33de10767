"""Routes: under which name callers reach which model, and on which decision that rests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Admission",
    "Allowance",
    "CanarySettings",
    "CanaryTerms",
    "JudgeTerms",
    "Leg",
    "ObserveTerms",
    "Price",
    "Route",
    "ShadowSettings",
    "ShadowTerms",
    "UpstreamSettings",
]


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in US dollars; without a `source` nobody has said it: unknown, not free."""

    usd_per_mtok_input: float = 0.0
    usd_per_mtok_output: float = 0.0
    source: str = ""

    @property
    def is_known(self) -> bool:
        """Whether somebody has said it; where not, a budget in money cannot be kept."""
        return bool(self.source or self.usd_per_mtok_input or self.usd_per_mtok_output)


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where a model is served: base URL (`http://host:port/v1`), the name there, and its key's variable.

    Seconds: `connect_s` to connect, `idle_s` without a byte, `total_s` for one answer.
    """

    url: str
    model: str
    key_variable: str = ""
    price: Price = Price()
    connect_s: float = 5.0
    idle_s: float = 120.0
    total_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One model behind a route: its upstream, and the decision that admits it.

    `reference` is what was weighed, `digest` the artefact that must be served (from the decision), `mirror` a folder
    whose manifest is checked, `fingerprint` the id of the `endpoint/v1` evidence that the endpoint must still match.
    """

    upstream: UpstreamSettings
    decision: str
    reference: str = ""
    digest: str = ""
    mirror: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a gateway may spend by itself on one thing in a UTC day; None: no bound."""

    usd_per_day: float | None = None
    calls_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class JudgeTerms:
    """A model that says which of two answers is better, where cheaper signs do not tell."""

    upstream: UpstreamSettings
    allowance: Allowance = Allowance()


@dataclass(frozen=True, slots=True)
class ShadowTerms:
    """Which share of the prompts a candidate gets, what it may cost, and how its answers are held against ours.

    Texts are kept only with `keep_texts`. `embedding` serves `/embeddings`; without it agreement is that of words.
    """

    share: float
    allowance: Allowance = Allowance()
    keep_texts: bool = False
    margin: float = 0.05
    judge: JudgeTerms | None = None
    embedding: UpstreamSettings | None = None


@dataclass(frozen=True, slots=True)
class ShadowSettings:
    """A candidate that gets a share of the prompts; its answers are scored and never returned."""

    leg: Leg
    terms: ShadowTerms


@dataclass(frozen=True, slots=True)
class CanaryTerms:
    """Shares of the callers, rising; a step advances on evidence only, and after `hold_s` seconds at the least.

    `margin` is how much worse a rate may be at the most, `alpha` the chance of rolling back a candidate that is equal,
    and of advancing one that is worse by the margin, over the whole canary. `late_s` is how long an answer may take,
    None for what 95% of the primary's take.
    """

    steps: tuple[float, ...]
    margin: float = 0.03
    alpha: float = 0.05
    hold_s: float = 600.0
    late_s: float | None = None


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """A candidate that serves a share of the callers."""

    leg: Leg
    terms: CanaryTerms


@dataclass(frozen=True, slots=True)
class ObserveTerms:
    """Which share of a route's exchanges is looked at, and how often its monitors may alarm for nothing.

    At most `most_per_minute` are looked at. `false_alarm_every` is the least mean number of looked-at exchanges between
    two false alarms of the route, all its monitors together.
    """

    share: float = 0.05
    most_per_minute: int = 600
    false_alarm_every: int = 20_000


@dataclass(frozen=True, slots=True)
class Route:
    """One name that callers may ask for."""

    name: str
    primary: Leg
    fallbacks: tuple[Leg, ...] = ()
    shadow: ShadowSettings | None = None
    canary: CanarySettings | None = None
    retries: int = 1
    observe: ObserveTerms = ObserveTerms()


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a leg may be served now, and why not; `unverified` says so where nothing ties it to its decision.

    `doubt` is why the decision is to be made again, and until when the leg is served meanwhile.
    """

    leg: Leg
    verdict: Literal["adopt", "adopt-with-conditions", "hold", "reject", ""]
    refused: str = ""
    until: str = ""
    conditions: tuple[str, ...] = field(default=())
    unverified: str = ""
    doubt: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may be served."""
        return not self.refused
