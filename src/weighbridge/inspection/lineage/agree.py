"""Hold declarations against each other: which agree, which cannot all be true, and what was quantized twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.kinds.lineage import LineageV1, TwiceQuantizedBody
from weighbridge.formats.gguf_types import FILE_LABELS
from weighbridge.formats.place import quote
from weighbridge.inspection.lineage.names import conflict, quantization_words, read_name, same_model

if TYPE_CHECKING:
    from weighbridge.core.kinds.lineage import DeclaredBody, Relation
    from weighbridge.inspection.lineage.declared import Declarations

__all__ = ["judge_declarations"]

_PLAIN = frozenset({"F32", "F16", "BF16"})
_VAGUE = frozenset({"integer", "float8", "float4", "ggml"})
_MOST_CONTRADICTIONS = 20
_MOST_BASES = 64
_METHODS = {"bitsandbytes": "bitsandbytes", "awq": "awq", "gptq": "gptq", "hqq": "hqq", "aqlm": "aqlm", "quip": "quip"}


def judge_declarations(found: Declarations, own: str) -> LineageV1:
    """Return lineage/v1 without weights: the statements, and whether they can all be true."""
    by_source: dict[str, list[DeclaredBody]] = {}
    for one in found.stated:
        by_source.setdefault(_source(one), []).append(one)
    stated = {source: said for source, said in by_source.items() if said[0].standing == "base"}
    contradictions = _contradictions(stated)
    stored = _stored(found)
    relation = found.relation or _shown(found, own, stored)
    count = "nothing declared" if not stated else "one source" if len(stated) == 1 else "sources agree"
    return LineageV1(
        declared=found.stated,
        bases=_bases(found.stated)[:_MOST_BASES],
        relation=relation[0] if relation else None,
        relation_source=relation[1] if relation else None,
        agreement="sources contradict" if contradictions else count,  # type: ignore[arg-type] # one of four words
        contradictions=contradictions[:_MOST_CONTRADICTIONS],
        quantization=stored,
        twice_quantized=_twice(found, stored),
        notes=[*found.notes, *_hints(by_source), *_stages(stated)],
    )


def _source(one: DeclaredBody) -> str:
    """Return the source of a statement, several base models of one GGUF file as one."""
    return (
        f"GGUF metadata ({one.standing})" if one.source.endswith("GGUF metadata") else f"{one.source} ({one.standing})"
    )


def _bases(stated: list[DeclaredBody]) -> list[str]:
    """Return the stated bases, each once, by the fullest name."""
    kept: list[str] = []
    for name in [one.name for one in stated if one.standing == "base"]:
        if not any(name.lower() == other.lower() for other in kept):
            kept.append(name)
    return kept


def _contradictions(stated: dict[str, list[DeclaredBody]]) -> list[str]:
    """Name every two sources of stated bases of which no two statements can be of one model."""
    found = []
    sources = list(stated.values())
    for at, first in enumerate(sources):
        for second in sources[at + 1 :]:
            reasons = [conflict(a.name, b.name) for a in first for b in second]
            if all(reasons):
                a, b = first[0], second[0]
                found.append(f"{a.source}: {quote(a.name)}; {b.source}: {quote(b.name)}; {reasons[0]}")
    return found


def _hints(by_source: dict[str, list[DeclaredBody]]) -> list[str]:
    """Note names of another family than any stated base: a name says what a model is, not what it was made from."""
    bases = [one for said in by_source.values() for one in said if one.standing == "base"]
    hints = [one for said in by_source.values() for one in said if one.standing == "hint"]
    notes = []
    for hint in hints:
        reasons = [conflict(hint.name, base.name) or "" for base in bases]
        if reasons and all(reason.startswith("families") for reason in reasons):
            notes.append(f"{hint.source} is {quote(hint.name)}, the stated base {quote(bases[0].name)}; {reasons[0]}")
    return notes


def _stages(stated: dict[str, list[DeclaredBody]]) -> list[str]:
    """Note where one source names the base model and another its instruct stage."""
    names = [(said[0].source, said[0].name, read_name(said[0].name).stage) for said in stated.values()]
    return [
        f"{first[0]} names {quote(first[1])}, {second[0]} {quote(second[1])}: two stages of training"
        for at, first in enumerate(names)
        for second in names[at + 1 :]
        if first[2] != second[2] and "instruct" in {first[2], second[2]} and not conflict(first[1], second[1])
    ]


def _stored(found: Declarations) -> str | None:
    """Return how the weights are stored where they are quantized: a GGUF label, or the config's method and bits."""
    label = (
        FILE_LABELS.get(file_type) if isinstance(file_type := found.metadata.get("general.file_type"), int) else None
    )
    if label and label[1] not in _PLAIN:
        return f"{label[0]} (GGUF)"
    settings: Any = found.config.get("quantization_config") or found.config.get("quantization")
    if not isinstance(settings, dict):
        return None
    method = settings.get("quant_method") or ("mlx" if "group_size" in settings else None)
    bits = settings.get("bits") or settings.get("w_bit")
    if not isinstance(method, str):
        return None
    return f"{method[:40]}, {bits} bits" if type(bits) is int else method[:40]


def _twice(found: Declarations, stored: str | None) -> TwiceQuantizedBody | None:
    """Return the sign that what was quantized had been quantized before, by another method than the present one."""
    if stored is None:
        return None
    own = stored.lower()
    for name, source in found.named:
        for method, words in quantization_words(name).items():
            is_own = own.startswith(_METHODS.get(method, method)) or _is_label(words, own)
            if method == "bits" or (found.gguf is None and method in _VAGUE):
                continue  # such words may name the present one
            if not is_own:
                return TwiceQuantizedBody(said=name, source=source, stored=stored)
    return None


def _is_label(words: str, own: str) -> bool:
    """Whether words in a name are the type in which the file is stored."""
    label = own.replace("_", "-").partition(" ")[0]
    return label.startswith(words) or words.startswith(label)


def _shown(found: Declarations, own: str, stored: str | None) -> tuple[Relation, str] | None:
    """Return `quantized` where the weights are, and the name is that of the one stated base."""
    bases = _bases(found.stated)
    if stored and len(bases) == 1 and same_model(own, bases[0]):
        return "quantized", "the name is that of the base, and the weights are quantized"
    return None
