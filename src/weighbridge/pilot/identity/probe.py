"""What a check of an endpoint's fingerprint puts into the journal: figures, no texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.pilot.journal.protocol import Entry

if TYPE_CHECKING:
    from weighbridge.pilot.admission.likeness import Held
    from weighbridge.pilot.route import Leg

__all__ = ["probe_entry"]


def probe_entry(at: float, route: str, role: str, leg: Leg, held: Held) -> Entry:
    """Return the entry of one check of a leg.

    Its facts: `leg` (`primary`, `canary` ...), `decision`, `reference` (id of the expected fingerprint's statement),
    `verdict` and `why` of the comparison, `prompts` compared, and `distances` (0 to 1) by stream.
    """
    likeness = held.likeness
    facts = {
        "leg": role,
        "decision": leg.decision,
        "reference": leg.fingerprint,
        "verdict": likeness.verdict,
        "why": likeness.why,
        "prompts": likeness.prompts,
        "distances": dict(held.distances),
    }
    return Entry(at, route, "probe", facts)
