"""What every body of evidence shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Body", "EstimateBody", "Share"]

Share = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """A body refuses what it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class EstimateBody(Body):
    """A measured number with its interval and count."""

    value: float
    low: float = Field(description="Lower end of the interval")
    high: float = Field(description="Upper end of the interval")
    n: int = Field(ge=0, description="Observations behind the value")
    method: str = Field(description="How the interval was made")
    level: Share = 0.95
    unscored: int = Field(0, ge=0, description="Asked, but could not be marked; in no denominator")
