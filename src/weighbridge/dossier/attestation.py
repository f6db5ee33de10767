"""The dossier as in-toto Statements (v1), one a line: the decision first, then every statement at hand.

These are the payloads: `workflow.attest` puts each into a DSSE envelope of its own and signs it, which makes the file
an in-toto attestation bundle (`.intoto.jsonl`). The decision cites the others by id, so that none can go unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.digest import canonical, digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import DECISION
from weighbridge.decision.decide import Decision
from weighbridge.dossier.locale import load_locale

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier

__all__ = ["render"]


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the statements as canonical JSON; they are language-neutral, and an unknown language raises UsageError."""
    load_locale(language)
    evidence = [source.evidence for source in dossier.sources if source.evidence]
    statements = [_decision(dossier, evidence), *evidence]
    return b"".join(canonical(one.statement()) + b"\n" for one in statements)


def _decision(dossier: Dossier, evidence: list[Evidence]) -> Evidence:
    """Return the decision as a statement that names its policy, its day and all evidence about its subject."""
    made = Decision.from_json(dossier.decision)
    own = sorted(one.id for one in evidence if one.subject == made.subject)
    inputs = (made.policy_digest, digest_of({"on": made.on.isoformat()}), *own)
    return Evidence(made.subject, DECISION, {"decision": dossier.decision}, inputs, OURS, made.on)
