"""Quantization schemes: which weights of a model are stored how, from a name or from what a config declares."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.nesting import SECTIONS
from weighbridge.inspection.memory.gguf_mix import FILE_TYPES
from weighbridge.inspection.memory.quantization.methods import read
from weighbridge.inspection.memory.quantization.rule import SENSES, Scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCHEMES", "Scheme", "UnknownScheme", "plain_scheme", "promises_quantization", "scheme_of"]

_NOT_MLX = frozenset({"desc_act", "sym", "damp_percent", "zero_point", "version"})  # of GPTQ and AWQ
_PLAIN = {"fp32": 4, "bf16": 2, "fp16": 2}
# the schemes that can be asked for by name, as a config would declare them
_NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "fp8": ("fp8", {"weight_block_size": [128, 128]}),
    "fp8-tensor": ("modelopt", {"quant_algo": "FP8"}),
    "fp8-channel": ("fbgemm_fp8", {}),
    "int8": ("bitsandbytes", {"load_in_8bit": True}),
    "w8a8": (
        "compressed-tensors",
        {"config_groups": {"all": {"weights": {"num_bits": 8, "strategy": "channel"}}}, "ignore": ["lm_head"]},
    ),
    "w4a16": (
        "compressed-tensors",
        {"config_groups": {"all": {"weights": {"num_bits": 4, "group_size": 128}}}, "ignore": ["lm_head"]},
    ),
    "awq-4": ("awq", {}),
    "gptq-4": ("gptq", {}),
    "gptq-4-act-order": ("gptq", {"desc_act": True}),
    "nf4": ("bitsandbytes", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}),
    "nf4-double": (
        "bitsandbytes",
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    ),
    "mxfp4": ("mxfp4", {}),
    "nvfp4": ("modelopt", {"quant_algo": "NVFP4"}),
    "mlx-4": ("mlx", {"bits": 4}),
    "mlx-8": ("mlx", {"bits": 8}),
}
_KEYS = ("quantization_config", "compression_config", "quantization")
_TYPES = {"float32": "fp32", "float16": "fp16"}
_TEXT_PARTS = (*SECTIONS, "thinker_config")
# a hub name often carries its quantization, and the config beside it need not
_NAMED_SO = re.compile(
    r"(?:^|[-_.])(?:nv|mx)?fp[48]|(?:^|[-_.])(?:int[48]|awq|gptq|[48]bit|w[48]a\d+|nf4|gguf|mlx|bnb|exl2)(?:$|[-_.])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class UnknownScheme:
    """A quantization that is declared and not known, and why: its bytes are not guessed."""

    name: str
    reason: str


def _schemes() -> dict[str, Scheme]:
    found = {name: Scheme(name, plain_bytes=width) for name, width in _PLAIN.items()}
    for name, (method, settings) in _NAMED.items():
        scheme = read(method, Fields(settings))
        # vision and hearing are left alone unless a config says otherwise
        found[name] = replace(scheme, name=name, kept=scheme.kept | SENSES)
    return found | {name: Scheme(name, file_type=name, is_estimated=True) for name in FILE_TYPES}


# what a model can be weighed in when nothing is declared: `fp8` has 128x128 blocks, AWQ and GPTQ groups of 128
SCHEMES: Mapping[str, Scheme] = MappingProxyType(_schemes())


def scheme_of(config: Mapping[str, Any], modelopt: Mapping[str, Any] | None = None) -> Scheme | UnknownScheme | None:
    """Return the quantization that a config declares; None where it declares none; raises nothing.

    `modelopt` is what `hf_quant_config.json` holds. A method that is not known is an UnknownScheme with its name.
    """
    key, settings = _settings(config)
    if settings is None and modelopt is not None:
        key, settings = "modelopt", modelopt.get("quantization", modelopt)
    if settings is None:
        return None
    if not isinstance(settings, dict):
        return UnknownScheme("", f"{quote(key)} is no object")
    method = _method(key, settings)
    if method is None:
        return UnknownScheme("", f"{quote(key)} does not say its method")
    outer = {"expert_dtype": config["expert_dtype"]} if "expert_dtype" in config else {}
    try:
        return read(method, Fields({**outer, **settings}))
    except Refused as refusal:
        return UnknownScheme(quote(method, 40).strip("`"), str(refusal))


def promises_quantization(name: str) -> bool:
    """Whether a model's name speaks of a quantization; without a config that declares it, no bytes are certain."""
    return _NAMED_SO.search(name) is not None


def plain_scheme(config: Mapping[str, Any]) -> Scheme:
    """Return the scheme of unquantized weights in the type that a config declares; 16 bits where it declares none."""
    sections = [config, *(part for key in _TEXT_PARTS if isinstance(part := config.get(key), dict))]
    for section in sections:
        declared = section.get("dtype") or section.get("torch_dtype")
        if isinstance(declared, str):
            return SCHEMES[_TYPES.get(declared.removeprefix("torch."), "bf16")]
    return SCHEMES["bf16"]


def _settings(config: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the settings and their key, from the config or the section of its language model."""
    sections = [config, *(part for key in _TEXT_PARTS if isinstance(part := config.get(key), dict))]
    for section in sections:
        mlx = section.get("quantization")
        if isinstance(mlx, dict) and {"bits", "group_size"} <= set(mlx):
            return "quantization", mlx  # MLX may leave the settings of the model that it converted beside its own
        for key in _KEYS:
            if section.get(key) is not None:
                return key, section[key]
    return _KEYS[0], None


def _method(key: str, settings: Mapping[str, Any]) -> str | None:
    """Return the method's name: said, or known by the fields that only it has."""
    said = settings.get("quant_method")
    if said is not None:
        return said if isinstance(said, str) else None
    if key == "modelopt" or isinstance(settings.get("quant_algo"), str):
        return "modelopt"
    if key == "quantization" or ({"bits", "group_size"} <= set(settings) and _NOT_MLX.isdisjoint(settings)):
        return "mlx"
    return "compressed-tensors" if "config_groups" in settings else None
