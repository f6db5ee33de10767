"""What was decided."""

from __future__ import annotations

from typing import Any

from weighbridge.core.kinds.body import Body

__all__ = ["DecisionV1"]


class DecisionV1(Body):
    """A decision as it was made; `weighbridge.decision.decide` says what is in it."""

    decision: dict[str, Any]
