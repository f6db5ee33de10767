"""The form of `gateway.toml`: its tables and keys."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "FORMS",
    "CanaryForm",
    "FileForm",
    "GatewayForm",
    "JudgeForm",
    "LegForm",
    "LimitsForm",
    "PriceForm",
    "RouteForm",
    "ShadowForm",
    "UpstreamForm",
]

_Line = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=128)]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=64)]
_Decision = Annotated[str, StringConstraints(pattern=r"^(latest|(sha256:)?[0-9a-f]{12,64})$")]
_Fingerprint = Annotated[str, StringConstraints(pattern=r"^(weighed|(sha256:)?[0-9a-f]{12,64})$")]
_Usd = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
_Margin = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
_Bytes = Annotated[int, Field(ge=1 << 10, le=1 << 30)]
_Count = Annotated[int, Field(ge=1, le=1 << 20)]


class _Table(BaseModel):
    """A table refuses keys it does not know, and takes no value for another (1 is not true)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LimitsForm(_Table):
    """`[gateway.limits]`: bytes, counts and seconds, as `weighbridge.gateway.request.bounds.Bounds` names them."""

    header_bytes: _Bytes | None = None
    body_bytes: _Bytes | None = None
    bodies_bytes: _Bytes | None = None
    answer_bytes: _Bytes | None = None
    event_bytes: _Bytes | None = None
    connections: _Count | None = None
    pipelined: _Count | None = None
    header_s: _Seconds | None = None
    body_s: _Seconds | None = None
    keep_alive_s: _Seconds | None = None
    stall_s: _Seconds | None = None
    items: _Count | None = None
    tools: _Count | None = None
    choices: _Count | None = None
    assumed_output_tokens: _Count | None = None


class AlarmForm(_Table):
    """`[gateway.alarm]`: variables of the environment that hold a webhook's address, and the secret that signs.

    `grace_hours`: how long an alarm leaves to decide anew before the leg closes; `language` is the webhook's.
    """

    webhook_env: _Variable | None = None
    secret_env: _Variable | None = None
    reopens: bool = True
    grace_hours: Annotated[float, Field(ge=0, le=8760, allow_inf_nan=False)] = 72
    language: Literal["en", "zh"] = "en"


class GatewayForm(_Table):
    """`[gateway]`; paths are relative to the file's folder."""

    listen: _Line = "127.0.0.1:8080"
    workspace: _Line = "weighbridge-work"
    limits: LimitsForm = LimitsForm()
    alarm: AlarmForm = AlarmForm()


class PriceForm(_Table):
    """US dollars a million tokens, `input` and `output`; or whose listed price it is: `provider` and `model`."""

    input: _Usd | None = None
    output: _Usd | None = None
    provider: _Line | None = None
    model: _Line | None = None


class UpstreamForm(_Table):
    """Where a model is served."""

    url: _Line
    model: _Line
    key_env: _Variable | None = None
    price: PriceForm | None = None
    connect_s: _Seconds = 5.0
    idle_s: _Seconds = 120.0
    total_s: _Seconds = 1800.0


class LegForm(_Table):
    """One model and what admits it."""

    upstream: UpstreamForm
    decision: _Decision
    reference: _Line | None = None
    policy: _Line | None = None
    accept_conditions: Annotated[list[_Line], Field(max_length=100)] = []
    mirror: _Line | None = None
    fingerprint: _Fingerprint | None = None
    unverified: Literal["allow", "refuse"] = "refuse"
    unverified_because: _Line | None = None
    unverified_until: date | None = None


class JudgeForm(_Table):
    """`[route.shadow.judge]`: a model that compares two answers."""

    upstream: UpstreamForm
    usd_per_day: _Usd | None = None
    calls_per_day: _Count | None = None


class ShadowForm(LegForm):
    """`[route.shadow]`: a candidate that sees a share of the prompts."""

    share: _Share
    usd_per_day: _Usd | None = None
    calls_per_day: _Count | None = None
    keep_texts: bool = False
    margin: _Margin = 0.05
    judge: JudgeForm | None = None
    embedding: UpstreamForm | None = None


class CanaryForm(LegForm):
    """`[route.canary]`: a candidate that serves a share of the callers, by rising steps."""

    steps: Annotated[list[_Share], Field(min_length=1, max_length=20)]
    margin: _Margin = 0.03
    alpha: Annotated[float, Field(ge=0.0001, le=0.2, allow_inf_nan=False)] = 0.05
    hold_s: Annotated[float, Field(ge=0, le=2_592_000, allow_inf_nan=False)] = 600.0
    late_s: _Seconds | None = None


class ObserveForm(_Table):
    """`[route.observe]`: which share of the exchanges is looked at, and how seldom a false alarm may be."""

    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.05
    most_per_minute: _Count = 600
    false_alarm_every: Annotated[int, Field(ge=100, le=1_000_000_000)] = 20_000


class RouteForm(LegForm):
    """`[[route]]`."""

    name: _Name
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    fallback: Annotated[list[LegForm], Field(max_length=5)] = []
    shadow: ShadowForm | None = None
    canary: CanaryForm | None = None
    observe: ObserveForm = ObserveForm()


class FileForm(_Table):
    """The whole file."""

    gateway: GatewayForm = GatewayForm()
    route: Annotated[list[RouteForm], Field(min_length=1, max_length=500)]


FORMS: dict[str, type[BaseModel]] = {
    "gateway": GatewayForm, "limits": LimitsForm, "route": RouteForm, "upstream": UpstreamForm, "price": PriceForm,
    "fallback": LegForm, "shadow": ShadowForm, "canary": CanaryForm, "observe": ObserveForm, "judge": JudgeForm,
    "embedding": UpstreamForm, "alarm": AlarmForm,
}  # fmt: skip
"""The form of a table by the last part of its name."""
