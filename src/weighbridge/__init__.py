"""Weighbridge: decide whether an open-weight model may go into production, and prove why.

Names are loaded when they are first asked for, so that `import weighbridge` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.core.artefact import Artefact
    from weighbridge.core.estimate import Estimate
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.reference import Reference
    from weighbridge.decision.decide import Decision, decide
    from weighbridge.decision.policy import Policy
    from weighbridge.decision.shipped import load_policy
    from weighbridge.errors import WeighbridgeError
    from weighbridge.evaluation.suite import find_suite
    from weighbridge.store.sqlite import SQLiteStore
    from weighbridge.workflow.weigh import Order, weigh

__version__ = "0.1.0"

_HOMES = {
    "Artefact": "weighbridge.core.artefact",
    "Decision": "weighbridge.decision.decide",
    "Estimate": "weighbridge.core.estimate",
    "Evidence": "weighbridge.core.evidence",
    "Order": "weighbridge.workflow.weigh",
    "Policy": "weighbridge.decision.policy",
    "Reference": "weighbridge.core.reference",
    "SQLiteStore": "weighbridge.store.sqlite",
    "WeighbridgeError": "weighbridge.errors",
    "decide": "weighbridge.decision.decide",
    "find_suite": "weighbridge.evaluation.suite",
    "load_policy": "weighbridge.decision.shipped",
    "weigh": "weighbridge.workflow.weigh",
}

__all__ = [
    "Artefact",
    "Decision",
    "Estimate",
    "Evidence",
    "Order",
    "Policy",
    "Reference",
    "SQLiteStore",
    "WeighbridgeError",
    "__version__",
    "decide",
    "find_suite",
    "load_policy",
    "weigh",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weighbridge' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
