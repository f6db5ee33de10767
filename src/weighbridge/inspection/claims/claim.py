"""A claim: what somebody says of a model, as a quantity with a value, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = ["Claim", "Fact", "Finding", "Outcome", "Quantity", "Value"]

Value = float | str


class Quantity(StrEnum):
    """What can be claimed of a model; numbers are in the unit of the comment."""

    TOTAL_PARAMETERS = "total_parameters"
    ACTIVE_PARAMETERS = "active_parameters"
    EXPERTS = "experts"
    EXPERTS_USED = "experts_used"
    LAYERS = "layers"
    CONTEXT_LENGTH = "context_length"  # tokens
    VOCABULARY = "vocabulary"
    KV_BYTES_PER_TOKEN = "kv_bytes_per_token"  # noqa: S105 - bytes in bf16, no password
    KV_CACHE_SAVING = "kv_cache_saving"  # share
    TRAINING_TOKENS = "training_tokens"
    TRAINING_GPU_HOURS = "training_gpu_hours"
    TRAINING_COST_USD = "training_cost_usd"
    TRAINING_COST_SAVING = "training_cost_saving"  # share
    RELEASED = "released"  # ISO date, cut to what is known: 2024, 2024-12, 2024-12-26
    LICENCE = "licence"  # SPDX id or the name that its publisher uses, in lower case
    ARCHITECTURE = "architecture"  # dense or moe
    ATTENTION = "attention"  # MHA, GQA, MQA, MLA
    LANGUAGES = "languages"


class Outcome(StrEnum):
    """What a claim is worth."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement. `unit` is the size of the last digit that was printed, `is_about` says "about", "roughly".

    `bound` is "over" or "under" where the text says more than or less than. `words` are the sentence it stands in.
    """

    model: str
    quantity: Quantity
    value: Value
    unit: float = 0.0
    is_about: bool = False
    bound: Literal["", "over", "under"] = ""
    words: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a model: by which convention (`counts`), and where from.

    `scope` names what a figure holds for, where texts take it for something else: `generation`.
    """

    value: Value
    counts: str
    source: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim with its outcome, why in a sentence, and the facts that it was held against."""

    claim: Claim
    outcome: Outcome
    because: str
    facts: tuple[Fact, ...] = field(default=())
