"""The answer of licence terms for a policy's intended use, found when the decision is made: pure, nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.kinds import LicenceV1
from weighbridge.inspection.licence.answer.judge import Answer, judge

if TYPE_CHECKING:
    from weighbridge.decision.use import Use

__all__ = ["answer_for", "answered"]

_KIND = "licence/v1"


def answer_for(body: Any, use: Use) -> Answer | None:
    """Judge a use by the clauses in a body of licence/v1; None where the body is not one."""
    try:
        licence = LicenceV1.model_validate(body)
    except ValidationError:
        return None
    return judge(use.for_licences(), licence.gates, multimodal=licence.multimodal)


def answered(kind: str, body: Any, use: Use) -> Any:
    """Return a body with `answer` for the policy's use where it is one of licence/v1; any other as it is.

    An answer that evidence brings along is not taken: it would be for another use.
    """
    if kind != _KIND or not isinstance(body, dict):
        return body
    answer = answer_for(body, use)
    return {**body, "answer": answer.answer if answer else None}
