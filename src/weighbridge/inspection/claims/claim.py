"""A claim: what somebody says of a model, as a quantity with a value, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = ["Bound", "Claim", "Fact", "Finding", "Outcome", "Quantity", "Value"]

Value = float | str
Bound = Literal["", "over", "under"]


class Quantity(StrEnum):
    """What can be claimed of a model; numbers are in the unit of the comment."""

    TOTAL_PARAMETERS = "total_parameters"
    ACTIVE_PARAMETERS = "active_parameters"
    ACTIVE_SHARE = "active_share"  # share of the parameters that a token visits
    MTP_PARAMETERS = "mtp_parameters"
    EXPERTS = "experts"  # routed experts a layer
    EXPERTS_USED = "experts_used"  # of them, those that a token visits
    SHARED_EXPERTS = "shared_experts"
    LAYERS = "layers"
    HIDDEN_SIZE = "hidden_size"
    ATTENTION_HEADS = "attention_heads"
    KV_HEADS = "kv_heads"
    CONTEXT_LENGTH = "context_length"  # tokens
    CONTEXT_CHARACTERS = "context_characters"  # characters, which are not tokens
    VOCABULARY = "vocabulary"
    KV_BYTES_PER_TOKEN = "kv_bytes_per_token"  # noqa: S105 - bytes in bf16, no password
    KV_CACHE_SAVING = "kv_cache_saving"  # share
    TRAINING_TOKENS = "training_tokens"
    TRAINING_GPU_HOURS = "training_gpu_hours"
    TRAINING_COST_USD = "training_cost_usd"
    TRAINING_COST_SAVING = "training_cost_saving"  # share
    TRAINING_COMPUTE_RATIO = "training_compute_ratio"  # of the compute of the model that `against` names
    TRAINING_FLOPS = "training_flops"
    THROUGHPUT_RATIO = "throughput_ratio"  # times
    SIZE_RATIO = "size_ratio"  # of the parameters of the model that `against` names
    RELEASED = "released"  # ISO date, cut to what is known: 2024, 2024-12, 2024-12-26
    LICENCE = "licence"  # SPDX id or the name that its publisher uses, in lower case; of the weights
    CODE_LICENCE = "code_licence"
    OPEN_WEIGHTS = "open_weights"  # yes or no
    ARCHITECTURE = "architecture"  # dense or moe
    ATTENTION = "attention"  # MHA, GQA, MQA, MLA
    MODALITY = "modality"  # text or multimodal
    LANGUAGES = "languages"


class Outcome(StrEnum):
    """What a claim is worth."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement. `unit` is the size of the last digit that was printed, `is_about` says "about", "roughly".

    `quantity` is a Quantity, or the word that somebody wrote for one. `bound` is "over" or "under" where the text
    says more than or less than, `is_denied` where it says that something is not so; `against` is the model that it
    compares with. `words` are the sentence it stands in.
    """

    model: str
    quantity: str
    value: Value
    unit: float = 0.0
    is_about: bool = False
    bound: Bound = ""
    is_denied: bool = False
    against: str = ""
    words: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a model: by which convention (`counts`), and where from.

    `scope` names what a figure holds for, where texts take it for something else: `generation`, `final run`.
    A fact that is not `is_firm` (a weak date, a tag, a rounded name) can support a claim and not contradict it.
    `is_least` marks "over 20 trillion"; `against` the model that a ratio refers to.
    """

    value: Value
    counts: str
    source: str
    scope: str = ""
    is_firm: bool = True
    is_least: bool = False
    against: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim with its outcome, why in a sentence, and the facts that it was held against."""

    claim: Claim
    outcome: Outcome
    because: str
    facts: tuple[Fact, ...] = field(default=())
