"""One model of the inventory: every place where it was met, who made it, what binds it, what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from weighbridge.core.finding import Confidence
    from weighbridge.inventory.found import Found
    from weighbridge.inventory.origin.licence import InForce
    from weighbridge.inventory.origin.step import Chain, Step

__all__ = ["DecisionState", "Model"]


@dataclass(frozen=True, slots=True)
class DecisionState:
    """What the workspace's store says of a model.

    `state` is the verdict while it holds, `expired`, `stale` (its hub has moved on), or `none`; `why` says by what it
    was recognised: the digest of its weights, or its reference.
    """

    state: Literal["adopt", "adopt-with-conditions", "hold", "reject", "expired", "stale", "none"] = "none"
    decision: str = ""
    subject: str = ""
    expires_on: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One row.

    `reference` is the hub reference without a revision where one is known, else the place. `maker` trained the base at
    the root of the chain ("" where it is not known, or several did), `publisher` is the namespace it was published
    under; countries are ISO 3166-1 alpha-2, "" where nobody says.
    """

    reference: str
    name: str
    traces: tuple[Found, ...]
    publisher: str
    maker: str
    maker_country: str
    publisher_country: str
    countries: dict[str, str]
    chain: Chain
    licence: InForce
    decision: DecisionState
    confidence: Confidence
    revisions: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def is_resolved(self) -> bool:
        """Whether the chain ends at makers that are known, each step at least at medium confidence."""
        return self.chain.is_closed

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values; what is not known is null."""
        first = self.traces[0]
        return {
            "reference": self.reference,
            "name": self.name,
            "maker": self.maker or None,
            "maker_country": self.maker_country or None,
            "makers": list(dict.fromkeys(step.maker for step in reversed(self.chain.steps) if step.maker)),
            "publisher": self.publisher or None,
            "publisher_country": self.publisher_country or None,
            "family": next((step.family for step in reversed(self.chain.steps) if step.family), None),
            "base_chain": [_step(step, self.chain, self.countries) for step in self.chain.steps],
            "chain_is_closed": self.chain.is_closed,
            "open_ends": list(self.chain.open_ends),
            "also_named": list(self.chain.mentions),
            "licence": self.licence.licence,
            "licences": [{"of": name, "licence": licence} for name, licence in self.licence.along],
            "licence_is_complete": self.licence.is_complete,
            "licence_unknown": list(self.licence.unknown),
            "licence_conflicts": [{"name": name, "message": text} for name, text in self.licence.conflicts],
            "commercial_use": self.licence.commercial_use or None,
            "decision": {
                "state": self.decision.state, "id": self.decision.decision or None,
                "subject": self.decision.subject or None, "expires_on": self.decision.expires_on or None,
                "recognised_by": self.decision.why or None,
            },
            "confidence": self.confidence.value,
            "revisions": list(self.revisions),
            "architecture": next((one.architecture for one in self.traces if one.architecture), None),
            "digests": list(dict.fromkeys(one.digest for one in self.traces if one.digest)),
            "bytes": first.n_bytes,
            "places": [_trace(one) for one in self.traces],
            "contradictions": list(self.contradictions),
            "notes": list(self.chain.notes),
        }  # fmt: skip


def _step(step: Step, chain: Chain, countries: dict[str, str]) -> dict[str, Any]:
    """Return one step; `of` is the name of the step that it stands below."""
    return {
        "reference": step.repository or None,
        "name": step.name,
        "maker": step.maker or None,
        "country": countries.get(step.maker) or None,
        "publisher": step.publisher or None,
        "relation": step.relation,
        "of": None if step.child is None else chain.steps[step.child].name,
        "known_by": step.known,
        "how": step.how or None,
        "confidence": step.confidence.value,
        "licence_tag": step.licence_tag or None,
        "end": step.end or None,
    }


def _trace(found: Found) -> dict[str, Any]:
    """Return one trace."""
    return {
        "way": found.way, "place": found.place, "name": found.name, "reference": found.reference or None,
        "confidence": found.confidence.value, "detail": found.detail or None, "digest": found.digest or None,
        "bytes": found.n_bytes,
    }  # fmt: skip
