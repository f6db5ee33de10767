"""The table of routes, for people and machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.pilot.admission.judge import Facts
    from weighbridge.pilot.route import Admission

__all__ = ["RouteRow", "row_of"]


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One leg of a route: whether it is open, on which decision that rests, and what was checked.

    `leg` is `primary`, `canary`, `fallback-N` or `shadow`; `why` is the reason of a refusal, `unverified` the note of a
    leg that is served unverified, `doubt` why its decision is to be made again, `checked` what holding it against its
    decision gave. `price` is "" where nobody has stated one: a key with a budget in money is then not served by that
    leg, and refused where it is the primary.
    """

    route: str
    leg: str
    is_open: bool
    verdict: str
    decision: str
    until: str
    reference: str
    digest: str
    url: str
    model: str
    price: str
    conditions: tuple[str, ...]
    why: str
    unverified: str
    doubt: str
    checked: str

    @property
    def serves(self) -> bool:
        """Whether callers of a route are served by this leg alone, where it is open: by its primary or a fallback."""
        return self.leg == "primary" or self.leg.startswith("fallback")

    @property
    def state(self) -> str:
        """`open` or `refused`."""
        return "open" if self.is_open else "refused"

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {**asdict(self), "conditions": list(self.conditions)}


def row_of(route: str, role: str, facts: Facts, admission: Admission) -> RouteRow:
    """Return the row of one leg."""
    leg, price = facts.leg, facts.leg.upstream.price
    usd = f"{price.usd_per_mtok_input:g} in, {price.usd_per_mtok_output:g} out ({price.source})"
    return RouteRow(
        route=route,
        leg=role,
        is_open=admission.is_open,
        verdict=admission.verdict,
        decision=leg.decision,
        until=admission.until,
        reference=leg.reference,
        digest=leg.digest,
        url=leg.upstream.url,
        model=leg.upstream.model,
        price=usd if price.is_known else "",
        conditions=admission.conditions,
        why=admission.refused,
        unverified=admission.unverified,
        doubt=admission.doubt,
        checked=facts.served.why if facts.decided.decision else "",
    )
