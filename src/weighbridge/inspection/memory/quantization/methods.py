"""Read the quantization settings of a config: one reader for each method, by the fields that its library writes.

Readers raise Refused for what they do not know; a field that would change the bytes is never passed over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.quantization.calibrated import read_compressed, read_mixed, read_modelopt
from weighbridge.inspection.memory.quantization.coding import Coding, codings
from weighbridge.inspection.memory.quantization.names import Names
from weighbridge.inspection.memory.quantization.reading import block_of, by_coding, group_of, overrides, skipped
from weighbridge.inspection.memory.quantization.rule import EXPERTS, KEPT, LEFT, SENSES, Rule, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read"]

_MLX_KEPT = frozenset({Part.NORMS, *SENSES})
_MOST_PATTERNS = 64
_LEFT = "-:"
_CHANGED = "+:"


def read(method: str, fields: Fields) -> Scheme:
    """Return the scheme that the settings of a method describe; raises Refused for one that is not known."""
    reader = _READERS.get(method.lower())
    if reader is None:
        raise Refused(f"the quantization {quote(method, 40)} is not known")
    return reader(fields)


def _fp8(fields: Fields) -> Scheme:
    """FP8 as DeepSeek and transformers store it: blocks with an fp32 scale, or one scale a matrix."""
    # a static activation scheme stores an input scale for each matrix
    static = int(fields.word("activation_scheme", default="dynamic") == "static")
    block = block_of(fields, "weight_block_size")
    coding = replace(
        codings()["fp8-tensor" if block is None else "fp8"], matrix_elements=static, matrix_bytes=4 * static
    )
    if block is not None:
        coding = replace(coding, block_out=block[0], block_in=block[1])
    rules: tuple[Rule, ...] = (Rule(coding),)
    notes: tuple[str, ...] = ()
    if fields.word("expert_dtype") == "fp4":
        rules = (Rule(codings()["mxfp4"], parts=EXPERTS), Rule(replace(coding, scale_bits=8)))
        notes = ("scales are taken as one byte each (`ue8m0`); no checkpoint's bytes were compared",)
    if fields.has("quant_algo"):
        return read_mixed(fields, LEFT, *rules)
    skips = (LEFT, *skipped(fields, "modules_to_not_convert", "ignored_layers"))
    name = "fp8-mxfp4" if notes else coding.name
    return Scheme(name, (*skips, *rules), is_estimated=bool(notes), notes=notes)


def _fbgemm(fields: Fields) -> Scheme:
    """FP8 of FBGEMM (Llama 3.1 405B): an fp32 scale for each row."""
    skips = skipped(fields, "modules_to_not_convert")
    return Scheme("fp8-channel", (*skips, Rule(replace(codings()["fp8-channel"], scale_bits=32))))


def _awq(fields: Fields) -> Scheme:
    """AutoAWQ: zero points are stored whether or not `zero_point` uses them."""
    if fields.count("bits", "w_bit", default=4) != codings()["awq"].bits:
        raise Refused("AWQ stores 4 bits a weight, the config declares another width")
    group = group_of(fields, "group_size", "q_group_size", default=128)
    skips = skipped(fields, "modules_to_not_convert")
    return Scheme("awq-4", (*skips, Rule(replace(codings()["awq"], block_in=group))), is_estimated=True)


def _gptq(fields: Fields) -> Scheme:
    """AutoGPTQ and GPTQModel: `g_idx` is stored with act-order and without; `dynamic` overrides by pattern."""
    form = fields.word("checkpoint_format", default="gptq")
    if form not in {"gptq", "gptq_v2"}:
        raise Refused(f"GPTQ in the format {quote(str(form), 40)} is not known")
    base = _gptq_coding(fields, codings()["gptq"])
    dynamic = fields.section("dynamic")
    rules = []
    for pattern, settings in overrides(dynamic.config if dynamic else {}, at_most=_MOST_PATTERNS):
        names = Names([f"re:{pattern.removeprefix(_CHANGED).removeprefix(_LEFT)}"])
        is_left = settings is None or pattern.startswith(_LEFT)
        rules.append(Rule(None if is_left else _gptq_coding(Fields(settings or {}), base), names))
    kept = KEPT - {Part.HEAD} if fields.flag("lm_head", default=False) else KEPT
    name = f"gptq-{base.bits}" + ("-act-order" if fields.flag("desc_act", default=False) else "")
    said = "older AutoGPTQ stores a zero bias beside each matrix too (2 bytes a row), which is not counted"
    if fields.has("modules_in_block_to_quantize", "inside_layer_modules") or fields.flag(
        "is_marlin_format", default=False
    ):
        raise Refused("GPTQ of some modules in a block, or repacked for Marlin, is not known")
    return Scheme(
        name, (*rules, *skipped(fields, "modules_to_not_convert"), Rule(base)), kept, is_estimated=True, notes=(said,)
    )


def _gptq_coding(fields: Fields, base: Coding) -> Coding:
    """Read bits and group size."""
    bits = fields.count("bits", default=base.bits)
    if bits not in {2, 3, 4, 8}:
        raise Refused(f"GPTQ with {bits} bits is not known")
    return replace(base, bits=bits, zero_bits=bits, block_in=group_of(fields, "group_size", default=base.block_in))


def _bitsandbytes(fields: Fields) -> Scheme:
    """Bitsandbytes quantizes every linear layer but the head, those of vision included; fused experts are none."""
    skips = skipped(fields, "llm_int8_skip_modules")
    kept = KEPT - SENSES
    if fields.flag("load_in_8bit", "_load_in_8bit", default=False):
        return Scheme("int8", (*skips, Rule(codings()["int8"])), kept, uncertain=EXPERTS)
    if not fields.flag("load_in_4bit", "_load_in_4bit", default=False):
        raise Refused("bitsandbytes is declared with neither 8 nor 4 bits")
    kind = fields.word("bnb_4bit_quant_type", default="fp4")
    if kind not in {"nf4", "fp4"} or fields.word("bnb_4bit_quant_storage", default="uint8") != "uint8":
        raise Refused("bitsandbytes with this type or storage is not known")
    double = fields.flag("bnb_4bit_use_double_quant", default=False)
    coding = codings()["nf4-double" if double else "nf4"]
    said = "the JSON that bitsandbytes stores beside each matrix is taken as 82 bytes (172 with double quantization)"
    return Scheme(kind, (*skips, Rule(coding)), kept, uncertain=EXPERTS, is_estimated=True, notes=(said,))


def _mxfp4(fields: Fields) -> Scheme:
    """MXFP4 as in gpt-oss: the expert matrices alone."""
    skips = skipped(fields, "modules_to_not_convert")
    return Scheme("mxfp4", (*skips, Rule(codings()["mxfp4"], parts=EXPERTS)))


def _mlx(fields: Fields) -> Scheme:
    """MLX: every linear layer and embedding whose rows divide into groups; modules may be overridden by name.

    A router is such a layer in some of its models (Qwen, Mixtral) and none in others (DeepSeek, GLM).
    """
    base = _mlx_coding(fields, codings()["mlx"])
    rules = by_coding(
        (name, None if settings is None else _mlx_coding(Fields(settings), base))
        for name, settings in overrides(fields.config)
    )
    return Scheme(f"mlx-{base.bits}", (*rules, Rule(base)), _MLX_KEPT, uncertain=frozenset({Part.ROUTER}))


def _mlx_coding(fields: Fields, base: Coding) -> Coding:
    """Read mode, bits and group size."""
    mode = fields.word("mode", default="affine")
    if mode in {"mxfp4", "mxfp8"}:
        return codings()[mode]
    bits = fields.count("bits", default=base.bits)
    if mode != "affine" or bits not in {2, 3, 4, 5, 6, 8}:
        raise Refused(f"MLX with {bits} bits in the mode {quote(str(mode), 40)} is not known")
    return replace(base, bits=bits, block_in=group_of(fields, "group_size", default=base.block_in))


_READERS: dict[str, Callable[[Fields], Scheme]] = {
    "fp8": _fp8, "fbgemm_fp8": _fbgemm, "awq": _awq, "gptq": _gptq, "bitsandbytes": _bitsandbytes, "mxfp4": _mxfp4,
    "mlx": _mlx, "compressed-tensors": read_compressed, "modelopt": read_modelopt, "modelopt_fp4": read_modelopt,
    "modelopt_mixed": read_modelopt,
}  # fmt: skip
