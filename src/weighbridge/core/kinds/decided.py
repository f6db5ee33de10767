"""What was decided."""

from __future__ import annotations

from typing import Any

from weighbridge.core.kinds.body import Body

__all__ = ["DecisionV1"]


class DecisionV1(Body):
    """A decision as it was made; `weighbridge.decision.decide` says what is in it.

    `overtakes` is the id of the decision before, where this one is as an older one was.
    """

    decision: dict[str, Any]
    overtakes: str | None = None
