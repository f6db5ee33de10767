"""Read a model's architecture from what its files declare: GGUF metadata or `config.json`.

A field that is not declared, or declared in two ways, is None; the second case leaves a note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.formats.gguf import Omitted
from weighbridge.formats.gguf_types import FILE_LABELS
from weighbridge.formats.place import quote
from weighbridge.formats.tensor import MAX_ELEMENTS
from weighbridge.inspection.anatomy.nesting import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.formats.gguf import Value

__all__ = ["Architecture", "from_config", "from_gguf"]


@dataclass(slots=True)
class Architecture:
    """What is declared; `drafts` counts multi-token-prediction layers, `dtype` is the declared type of the weights."""

    name: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    is_mla: bool = False
    experts: int | None = None
    experts_used: int | None = None
    context_length: int | None = None
    vocabulary: int | None = None
    quantization: str | None = None
    is_tied: bool | None = None
    drafts: int = 0
    dtype: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def attention(self) -> str | None:
        """MLA, MHA, GQA or MQA, or None where the files do not say."""
        if self.is_mla:
            return "MLA"
        if not self.heads or not self.kv_heads or self.kv_heads > self.heads:
            return None
        if self.kv_heads == self.heads:
            return "MHA"
        return "MQA" if self.kv_heads == 1 else "GQA"


class _Declared:
    """Looks values up in one or more mappings, the first of which wins."""

    def __init__(self, places: list[Mapping[str, Any]], notes: list[str]) -> None:
        self._places = places
        self._notes = notes

    def get(self, key: str) -> Any:
        """Return what is declared under a key, or None; null counts as not declared."""
        return next((value for place in self._places if (value := place.get(key)) is not None), None)

    def count(self, *keys: str) -> int | None:
        """Return the count declared under the first of several names; other names that disagree leave a note."""
        found = {key: value for key in keys if (value := self._count(key)) is not None}
        first = next(iter(found.items()), None)
        if first is None:
            return None
        for key, value in found.items():
            if value != first[1]:
                self._notes.append(f"`{first[0]}` says {first[1]}, `{key}` says {value}")
        return first[1]

    def _count(self, key: str) -> int | None:
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, list | tuple):
            if any(item != value[0] or type(item) is not type(value[0]) for item in value):
                self._notes.append(f"`{key}` varies by layer")
                return None
            value = value[0] if value else None
        if type(value) is int and 0 <= value <= MAX_ELEMENTS:
            return value
        self._notes.append(f"{quote(key)} is not a count")
        return None


def from_gguf(metadata: Mapping[str, Value]) -> Architecture:
    """Read the architecture from GGUF metadata."""
    found = Architecture()
    name = metadata.get("general.architecture")
    if not isinstance(name, str):
        return found
    found.name = name
    declared = _Declared([metadata], found.notes)
    found.layers = declared.count(f"{name}.block_count")
    found.hidden_size = declared.count(f"{name}.embedding_length")
    found.heads = declared.count(f"{name}.attention.head_count")
    found.kv_heads = declared.count(f"{name}.attention.head_count_kv")
    if f"{name}.attention.head_count_kv" not in metadata:
        found.kv_heads = found.heads  # the format's rule: without this key there is no grouping
    found.is_mla = bool(declared.count(f"{name}.attention.kv_lora_rank"))
    found.experts = declared.count(f"{name}.expert_count")
    found.experts_used = declared.count(f"{name}.expert_used_count")
    found.context_length = declared.count(f"{name}.context_length")
    found.drafts = declared.count(f"{name}.nextn_predict_layers") or 0
    if found.layers is not None and found.drafts <= found.layers:
        found.layers -= found.drafts  # GGUF counts them among its blocks
    label = metadata.get("general.file_type")
    found.quantization = FILE_LABELS[label][0] if type(label) is int and label in FILE_LABELS else None
    tokens = metadata.get("tokenizer.ggml.tokens")
    stored = tokens.length if isinstance(tokens, Omitted) else len(tokens) if isinstance(tokens, tuple) else None
    said = declared.count(f"{name}.vocab_size")
    if stored is not None and said is not None and stored != said:
        found.notes.append(f"`{name}.vocab_size` says {said}, the tokenizer holds {stored} tokens")
    found.vocabulary = said if stored is None else stored
    return found


def from_config(config: Mapping[str, Any]) -> Architecture:
    """Read the architecture from `config.json`; the text model of a multimodal one, where it is nested."""
    found = Architecture()
    text = next((part for key in SECTIONS if isinstance(part := config.get(key), dict)), {})
    declared = _Declared([text, config], found.notes)
    found.name = _name(config)
    found.layers = declared.count("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    found.hidden_size = declared.count("hidden_size", "n_embd", "d_model")
    found.heads = declared.count("num_attention_heads", "n_head", "n_heads", "num_heads")
    found.kv_heads = declared.count("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
    if declared.get("multi_query") is True and not declared.get("new_decoder_architecture"):
        found.kv_heads = 1  # Falcon and GPT-BigCode: the flag overrules any count
    found.is_mla = bool(declared.count("kv_lora_rank"))
    found.experts = declared.count("n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts")
    found.experts_used = declared.count("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k")
    found.context_length = declared.count(
        "max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx"
    )
    found.vocabulary = declared.count("vocab_size", "padded_vocab_size")
    found.drafts = declared.count("num_nextn_predict_layers") or 0
    tied, dtype = declared.get("tie_word_embeddings"), declared.get("dtype") or declared.get("torch_dtype")
    found.is_tied = tied if isinstance(tied, bool) else None
    found.dtype = dtype if isinstance(dtype, str) else None
    found.quantization = _quantization(declared)
    return found


def _name(config: Mapping[str, Any]) -> str | None:
    if isinstance(name := config.get("model_type"), str):
        return name
    classes = config.get("architectures")
    return classes[0] if isinstance(classes, list) and classes and isinstance(classes[0], str) else None


def _quantization(declared: _Declared) -> str | None:
    """Return the declared quantization in a few words: `awq 4-bit`, `fp8`, `mlx 4-bit`."""
    keys = ("quantization_config", "compression_config", "quantization")
    settings = next((value for key in keys if isinstance(value := declared.get(key), dict)), None)
    if settings is None:
        return None
    method = settings.get("quant_method") or settings.get("quant_algo")
    if method is None and "group_size" in settings:
        method = "mlx"
    form = settings.get("quant_algo") or settings.get("format")
    words = [str(word).lower() for word in (method, form) if isinstance(word, str)]
    bits = settings.get("bits") or (4 if settings.get("load_in_4bit") is True else None)
    if type(bits) is int:
        words.append(f"{bits}-bit")
    return quote(" ".join(dict.fromkeys(words))).strip("`") if words else "declared without a method"
