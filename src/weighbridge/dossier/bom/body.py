"""The body of the newest statement of a kind about a dossier's subject, as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.kinds import KINDS

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier

__all__ = ["body_of"]


def body_of(dossier: Dossier, kind: str) -> dict[str, Any]:
    """Return the body with every field of its kind; empty where there is none, or where it is not of its kind."""
    own = [one.evidence for one in dossier.sources if one.evidence and one.evidence.kind == kind]
    for statement in reversed(own):  # sources stand in the order of their days
        if statement.subject == dossier.decision["subject"]:
            try:
                return KINDS[kind].model_validate(statement.body).model_dump(mode="json")
            except ValidationError:
                return {}
    return {}
