"""The kinds of evidence: one model a kind, each with a published JSON Schema.

A field's description is what `weighbridge explain KIND` prints. None means "not known": looked at, and
the files do not say. A field that ends in a unit is in that unit. Every estimate carries interval and count.
"""

from __future__ import annotations

from typing import Any

from weighbridge.core.kinds.anatomy import AnatomyV2
from weighbridge.core.kinds.body import Body, EstimateBody
from weighbridge.core.kinds.compared import ComparisonV1, DrawnBody, OutcomesV1, PlanV1, SequentialBody
from weighbridge.core.kinds.endpoint import CapabilitiesBody, EndpointV1, FingerprintBody
from weighbridge.core.kinds.files import CardV1, FileBody, FilesV1, FindingBody, LeftAloneBody, SeverityCounts
from weighbridge.core.kinds.fit import FitV1
from weighbridge.core.kinds.licence import LicenceV1
from weighbridge.core.kinds.lineage import LineageV1
from weighbridge.core.kinds.measured import (
    BehaviourV1,
    CallsBody,
    EngineBody,
    ItemBody,
    LatencyV1,
    ScoreV1,
    SuiteBody,
)
from weighbridge.core.kinds.openness import OpennessV1
from weighbridge.core.kinds.provenance import LicenceTextBody, ProvenanceV1, SignatureBody, TemplateBody
from weighbridge.core.kinds.safety import SafetyV1

__all__ = [
    "DECISION", "KINDS", "AnatomyV2", "BehaviourV1", "Body", "CallsBody", "CapabilitiesBody", "CardV1",
    "ComparisonV1", "DecisionV1", "DrawnBody", "EndpointV1", "EngineBody", "EstimateBody", "FileBody", "FilesV1",
    "FindingBody", "FingerprintBody", "FitV1", "ItemBody", "LatencyV1", "LeftAloneBody", "LicenceTextBody",
    "LicenceV1", "LineageV1", "OpennessV1", "OutcomesV1", "PlanV1", "ProvenanceV1", "SafetyV1", "ScoreV1",
    "SequentialBody", "SeverityCounts", "SignatureBody", "SuiteBody", "TemplateBody", "schema_of",
]  # fmt: skip


class DecisionV1(Body):
    """A decision as it was made; `weighbridge.decision.decide` says what is in it."""

    decision: dict[str, Any]


DECISION = "decision/v1"

KINDS: dict[str, type[Body]] = {
    "files/v1": FilesV1,
    "anatomy/v2": AnatomyV2,
    "fit/v1": FitV1,
    "card/v1": CardV1,
    "safety/v1": SafetyV1,
    "licence/v1": LicenceV1,
    "lineage/v1": LineageV1,
    "openness/v1": OpennessV1,
    "provenance/v1": ProvenanceV1,
    "score/v1": ScoreV1,
    "behaviour/v1": BehaviourV1,
    "latency/v1": LatencyV1,
    "outcomes/v1": OutcomesV1,
    "plan/v1": PlanV1,
    "comparison/v1": ComparisonV1,
    "endpoint/v1": EndpointV1,
    DECISION: DecisionV1,
}


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind's body; raises KeyError for an unknown kind."""
    return KINDS[kind].model_json_schema()
