"""Names of repositories without what says how the weights are packed."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["is_repository", "key_of", "plain_of", "unpacked"]

_LONGEST = 256
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,150}")
_GAP = re.compile(r"[\s_]+")
# words at the end of a name that say how the weights are stored, and not which model they are; each is tried in turn
_PACKED = re.compile(
    r"[-_.](?:gguf|ggml|awq|gptq|marlin|mlx|onnx(?:-web)?|openvino|ov|exl[23]|hqq|aqlm|quip|imatrix|i1|bnb|nf4|safetensors|"
    r"(?:nvfp4|mxfp4|fp8|awq|gptq)-v\d|fp8(?:-(?:dynamic|block|kv))?|f8|int[348]|uint4|[3-8]-?bits?|bf16|fp16|f16|fp32|f32|nvfp4|mxfp[48](?:-q[48])?|fp4|"
    r"w4a16(?:-g128)?|w8a8|w8a16|quantized|dynamic|unsloth|autoround|rkllm|qnn|coreml|torchao|gptqmodel|"
    r"i?q[1-8](?:[-_][01k](?:[-_](?:s|m|l|xl|xs|xxs))?|[-_](?:xxs|xs|s|m|nl))?|ud|g128|128g|g32|gs\d{2,3}|4bpw|"
    r"\d{1,2}(?:\.\d{1,2})?bpw|compressed-tensors|wna16)$",
    re.IGNORECASE,
)
_MOST_WORDS = 8


def is_repository(name: str) -> bool:
    """Whether a text has the form `maker/model`."""
    return bool(_REPOSITORY.fullmatch(name)) and ".." not in name


@lru_cache(maxsize=20_000)
def unpacked(name: str) -> str:
    """Return the last part of a name without its words of packing: `Qwen3-8B-AWQ` is `Qwen3-8B`."""
    plain = name.strip().rstrip("/").rpartition("/")[2][:_LONGEST]
    plain = re.sub(r"\.(?:gguf|safetensors|bin)$", "", plain, flags=re.IGNORECASE)
    for _ in range(_MOST_WORDS):
        shorter = _PACKED.sub("", plain)
        if shorter == plain or not shorter:
            break
        plain = shorter
    return plain


def plain_of(name: str) -> str:
    """Return an unpacked name in lower case, words parted by `-`."""
    return _GAP.sub("-", unpacked(name).lower())


def key_of(name: str) -> str:
    """Return what two spellings of one name share: without case, `_`, the `Meta-` of Llama 3, and `-hf`."""
    plain = _GAP.sub("-", name.rpartition("/")[2][:_LONGEST].lower())
    return plain.removeprefix("meta-").removesuffix("-hf")
