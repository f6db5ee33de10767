"""The kinds of evidence: one model a kind, each with a published JSON Schema.

A field's description is what `weighbridge explain KIND` prints. None means "not known": looked at, and
the files do not say. A field that ends in a unit is in that unit. Every estimate carries interval and count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.core.kinds.alarm import AlarmAnswerV1, AlarmV1
    from weighbridge.core.kinds.anatomy import AnatomyV2
    from weighbridge.core.kinds.arena import ArenaV1, BallotV1, VerdictsV1, VoteV1
    from weighbridge.core.kinds.behaviour import (
        AnswerBody,
        BankBody,
        BehaviourComparisonV1,
        BehaviourV2,
        CellBody,
        ContrastBody,
        DetectorBody,
        PairBody,
        RateBody,
        ServiceBody,
        TopicBody,
    )
    from weighbridge.core.kinds.body import Body, EstimateBody
    from weighbridge.core.kinds.canary import CanarySignBody, CanaryV1
    from weighbridge.core.kinds.compared import ComparisonV1, DrawnBody, OutcomesV1, PlanV1, SequentialBody
    from weighbridge.core.kinds.contamination import ContaminationV1, HintBody, ProbeBody
    from weighbridge.core.kinds.decided import DecisionV1
    from weighbridge.core.kinds.endpoint import CapabilitiesBody, EndpointV1, FingerprintBody
    from weighbridge.core.kinds.files import CardV1, FileBody, FilesV1, FindingBody, LeftAloneBody, SeverityCounts
    from weighbridge.core.kinds.fit import FitV1
    from weighbridge.core.kinds.hijack import HijackItemBody, HijackRateBody, HijackV1, UtilityBody
    from weighbridge.core.kinds.hub import HubBaseBody, HubV1, ScanIssueBody
    from weighbridge.core.kinds.jailbreak import (
        BestBody,
        JailbreakItemBody,
        JailbreakRateBody,
        JailbreakV1,
        TransformBody,
    )
    from weighbridge.core.kinds.labels import DrawnAnswerBody, LabelsV1, SampleV1, StratumBody
    from weighbridge.core.kinds.licence import LicenceV1
    from weighbridge.core.kinds.lineage import LineageV1
    from weighbridge.core.kinds.load import LoadV1
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
    from weighbridge.core.kinds.precision import PositionBody, PrecisionV1
    from weighbridge.core.kinds.provenance import LicenceTextBody, ProvenanceV1, SignatureBody, TemplateBody
    from weighbridge.core.kinds.safety import SafetyV1
    from weighbridge.core.kinds.shadow import RatioBody, ShadowV1
    from weighbridge.core.kinds.stale import StaleV1

__all__ = [
    "DECISION", "KINDS", "AlarmAnswerV1", "AlarmV1",
    "AnatomyV2", "AnswerBody", "ArenaV1", "BallotV1", "BankBody", "BehaviourComparisonV1",
    "BehaviourV1", "BehaviourV2", "BestBody", "Body", "CallsBody",
    "CanarySignBody", "CanaryV1", "CapabilitiesBody", "CardV1", "CellBody",
    "ComparisonV1", "ContaminationV1", "ContrastBody", "DecisionV1", "DetectorBody", "DrawnAnswerBody",
    "DrawnBody", "EndpointV1", "EngineBody", "EstimateBody", "FileBody", "FilesV1", "FindingBody",
    "FingerprintBody", "FitV1", "HijackItemBody", "HijackRateBody", "HijackV1", "HintBody", "HubBaseBody",
    "HubV1", "ItemBody", "JailbreakItemBody", "JailbreakRateBody", "JailbreakV1", "LabelsV1", "LatencyV1",
    "LeftAloneBody", "LicenceTextBody", "LicenceV1", "LineageV1", "LoadV1", "OpennessV1", "OutcomesV1",
    "PairBody", "PlanV1", "PositionBody", "PrecisionV1", "ProbeBody", "ProvenanceV1", "RateBody",
    "RatioBody", "SafetyV1",
    "SampleV1", "ScanIssueBody", "ScoreV1", "SequentialBody", "ServiceBody", "SeverityCounts",
    "ShadowV1", "SignatureBody", "StaleV1", "StratumBody", "SuiteBody", "TemplateBody", "TopicBody", "TransformBody",
    "UtilityBody", "VerdictsV1", "VoteV1", "schema_of",
]  # fmt: skip

DECISION = "decision/v1"

_MODELS = {  # by module: what a run does not use, it does not build
    "alarm": ("AlarmAnswerV1", "AlarmV1"),
    "anatomy": ("AnatomyV2",),
    "arena": ("ArenaV1", "BallotV1", "VerdictsV1", "VoteV1"),
    "behaviour": (
        "AnswerBody",
        "BankBody",
        "BehaviourComparisonV1",
        "BehaviourV2",
        "CellBody",
        "ContrastBody",
        "DetectorBody",
        "PairBody",
        "RateBody",
        "ServiceBody",
        "TopicBody",
    ),
    "body": ("Body", "EstimateBody"),
    "canary": ("CanarySignBody", "CanaryV1"),
    "compared": ("ComparisonV1", "DrawnBody", "OutcomesV1", "PlanV1", "SequentialBody"),
    "contamination": ("ContaminationV1", "HintBody", "ProbeBody"),
    "decided": ("DecisionV1",),
    "endpoint": ("CapabilitiesBody", "EndpointV1", "FingerprintBody"),
    "files": ("CardV1", "FileBody", "FilesV1", "FindingBody", "LeftAloneBody", "SeverityCounts"),
    "fit": ("FitV1",),
    "hijack": ("HijackItemBody", "HijackRateBody", "HijackV1", "UtilityBody"),
    "hub": ("HubBaseBody", "HubV1", "ScanIssueBody"),
    "jailbreak": ("BestBody", "JailbreakItemBody", "JailbreakRateBody", "JailbreakV1", "TransformBody"),
    "labels": ("DrawnAnswerBody", "LabelsV1", "SampleV1", "StratumBody"),
    "licence": ("LicenceV1",),
    "lineage": ("LineageV1",),
    "load": ("LoadV1",),
    "measured": ("BehaviourV1", "CallsBody", "EngineBody", "ItemBody", "LatencyV1", "ScoreV1", "SuiteBody"),
    "openness": ("OpennessV1",),
    "precision": ("PositionBody", "PrecisionV1"),
    "provenance": ("LicenceTextBody", "ProvenanceV1", "SignatureBody", "TemplateBody"),
    "safety": ("SafetyV1",),
    "shadow": ("RatioBody", "ShadowV1"),
    "stale": ("StaleV1",),
}
_MODULE_OF = {model: module for module, models in _MODELS.items() for model in models}


def _model(name: str) -> Any:
    """Import a model when it is first used."""
    model = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return model


if not TYPE_CHECKING:  # or the type checker would believe any name

    def __getattr__(name: str) -> Any:
        """Return a model that was not used before; raises AttributeError for what is none."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
        return _model(name)


class _Kinds(Mapping[str, "type[Body]"]):
    """Models by kind: the names are known at once, a model is built when it is looked up."""

    def __init__(self, models: dict[str, str]) -> None:
        self._models = models

    def __getitem__(self, kind: str) -> type[Body]:
        """Return the model of a kind; raises KeyError for an unknown one."""
        model: type[Body] = _model(self._models[kind])
        return model

    def __contains__(self, kind: object) -> bool:
        """Tell whether this is a kind."""
        return kind in self._models

    def __iter__(self) -> Iterator[str]:
        """Go through the kinds."""
        return iter(self._models)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._models)


KINDS: Mapping[str, type[Body]] = _Kinds({
    "files/v1": "FilesV1",
    "anatomy/v2": "AnatomyV2",
    "fit/v1": "FitV1",
    "card/v1": "CardV1",
    "safety/v1": "SafetyV1",
    "licence/v1": "LicenceV1",
    "lineage/v1": "LineageV1",
    "openness/v1": "OpennessV1",
    "provenance/v1": "ProvenanceV1",
    "hub/v1": "HubV1",
    "score/v1": "ScoreV1",
    "behaviour/v1": "BehaviourV1",
    "behaviour/v2": "BehaviourV2",
    "behaviour-comparison/v1": "BehaviourComparisonV1",
    "hijack/v1": "HijackV1",
    "jailbreak/v1": "JailbreakV1",
    "latency/v1": "LatencyV1",
    "load/v1": "LoadV1",
    "outcomes/v1": "OutcomesV1",
    "plan/v1": "PlanV1",
    "comparison/v1": "ComparisonV1",
    "precision/v1": "PrecisionV1",
    "contamination/v1": "ContaminationV1",
    "endpoint/v1": "EndpointV1",
    "ballot/v1": "BallotV1",
    "vote/v1": "VoteV1",
    "verdicts/v1": "VerdictsV1",
    "arena/v1": "ArenaV1",
    "sample/v1": "SampleV1",
    "labels/v1": "LabelsV1",
    "stale/v1": "StaleV1",
    "alarm/v1": "AlarmV1",
    "alarm-answer/v1": "AlarmAnswerV1",
    "canary/v1": "CanaryV1",
    "shadow/v1": "ShadowV1",
    DECISION: "DecisionV1",
})  # fmt: skip


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind's body; raises KeyError for an unknown kind."""
    return KINDS[kind].model_json_schema()
