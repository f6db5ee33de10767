"""Read the settings of compressed-tensors and modelopt, which name modules by lists, globs and patterns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.memory.quantization.coding import Coding, codings
from weighbridge.inspection.memory.quantization.names import Names
from weighbridge.inspection.memory.quantization.reading import block_of, by_coding, group_of, skipped
from weighbridge.inspection.memory.quantization.rule import KEPT, SENSES, Rule, Scheme

__all__ = ["read_compressed", "read_mixed", "read_modelopt"]

_LINEAR = frozenset({"Linear", "LinearBase"})
_MOST_GROUPS = 64
_FP4, _FP8 = 4, 8
# packed formats hold integers in int32 and their shape beside them; naive ones hold a byte a weight
_FORMATS = frozenset({"pack-quantized", "int-quantized", "float-quantized", "naive-quantized", "nvfp4-pack-quantized",
                      "mxfp4-pack-quantized"})  # fmt: skip


def read_modelopt(fields: Fields) -> Scheme:
    """Read NVIDIA modelopt: one algorithm for all, or one for each listed module."""
    algorithm = fields.word("quant_algo")
    if algorithm is None and fields.has("config_groups"):
        return read_compressed(fields)
    if algorithm == "MIXED_PRECISION":
        return read_mixed(fields)
    rule = Rule(_algorithm(str(algorithm), fields))
    names = skipped(fields, "ignore", "exclude_modules")
    return Scheme(_name(rule), (*names, rule), kv_cache=_cache(fields))


def read_mixed(fields: Fields, *rest: Rule) -> Scheme:
    """Read modelopt's MIXED_PRECISION; `rest` stores the modules that it does not list."""
    if fields.word("quant_algo") != "MIXED_PRECISION":
        raise Refused(f"the algorithm {quote(str(fields.value('quant_algo')), 40)} is not known here")
    listed = fields.section("quantized_layers")
    if listed is None:
        raise Refused("`quantized_layers` is missing, so the algorithm of each module is not known")
    modules = []
    for name, settings in listed.config.items():
        if not isinstance(settings, dict):
            raise Refused("`quantized_layers` holds what is no object")
        one = Fields(settings)
        modules.append((name, _algorithm(str(one.word("quant_algo")), one)))
    rules = by_coding(modules)
    return Scheme("modelopt-mixed", (*rules, *rest), kv_cache=_cache(fields))


def _algorithm(name: str, fields: Fields) -> Coding:
    """Return the coding of one of modelopt's algorithms."""
    known = codings()
    if name in {"NVFP4", "W4A16_NVFP4", "NVFP4_AWQ"}:
        group = group_of(fields, "group_size", default=16)
        scalars = 1 if name.startswith("W4A16") else 2  # a scale of the weights, and one of the inputs
        return replace(known["nvfp4"], block_in=group, matrix_elements=scalars, matrix_bytes=4 * scalars)
    if name == "FP8":
        return known["fp8-tensor"]
    if name in {"FP8_PB_WO", "FP8_PER_CHANNEL_PER_TOKEN"}:
        return known["fp8"] if name == "FP8_PB_WO" else replace(known["fp8-channel"], scale_bits=32)
    raise Refused(f"the algorithm {quote(name, 40)} is not known")


def _cache(fields: Fields) -> str | None:
    """Return the type of the cache that is declared: `fp8`, or None for the model's own."""
    value = fields.value("kv_cache_quant_algo", "kv_cache_scheme")
    if isinstance(value, dict):
        return "fp8" if value.get("num_bits") == _FP8 and value.get("type") == "float" else None
    return value.lower()[:20] if isinstance(value, str) else None


def read_compressed(fields: Fields) -> Scheme:
    """Read compressed-tensors: groups of modules, each with its weights' type, strategy and targets."""
    groups = fields.section("config_groups")
    if groups is None or not groups.config or len(groups.config) > _MOST_GROUPS:
        raise Refused("`config_groups` is missing, empty or too long")
    sparsity = fields.section("sparsity_config")
    if sparsity is not None and sparsity.word("format", default="dense") != "dense":
        raise Refused("sparse weights are not known")
    rules = list(skipped(fields, "ignore"))
    for settings in groups.config.values():
        if not isinstance(settings, dict):
            raise Refused("`config_groups` holds what is no object")
        group = Fields(settings)
        weights = group.section("weights")
        if weights is not None:
            form = group.word("format") or fields.word("format")
            rules.append(_targeted(group, _compressed_coding(weights, form, group.section("input_activations"))))
    if not any(rule.coding for rule in rules):
        raise Refused("no group of `config_groups` says how weights are stored")
    # nothing is kept but what `ignore` lists; routers and embeddings are no linear layers to it
    kept = KEPT - SENSES - {Part.HEAD}
    name = _name(next(rule for rule in rules if rule.coding))
    return Scheme(name, tuple(rules), kept, kv_cache=_cache(fields))


def _targeted(group: Fields, coding: Coding) -> Rule:
    """Return the rule of a group's targets: all linear layers, or those that are named."""
    targets = group.value("targets")
    if targets is None:
        return Rule(coding)
    if not isinstance(targets, list) or not targets or not all(isinstance(one, str) for one in targets):
        raise Refused("`targets` is no list of modules")
    if _LINEAR & set(targets):
        return Rule(coding)
    for one in targets:
        if "." not in one and one[:1].isupper():
            raise Refused(f"which modules are of the class {quote(one, 40)} is not known")
    return Rule(coding, Names(targets))


def _compressed_coding(weights: Fields, form: str | None, inputs: Fields | None) -> Coding:
    """Return how a group stores its weights."""
    if form is not None and form not in _FORMATS:
        raise Refused(f"compressed-tensors in the format {quote(form, 40)} is not known")
    bits, kind = weights.count("num_bits"), weights.word("type", default="int")
    static = inputs is not None and inputs.value("dynamic") is False
    group = group_of(weights, "group_size", default=1) if weights.has("group_size") else None
    if kind == "float" and bits == _FP4:
        return _fp4(group, has_inputs=inputs is not None, is_scaled=form != "mxfp4-pack-quantized")
    if kind not in {"int", "float"} or bits not in ({4, 8} if kind == "int" else {8}):
        raise Refused(f"{bits} bits of the type {quote(str(kind), 40)} are not known")
    base = codings()["w8a8" if kind == "int" else "fp8-channel"]
    if kind == "int" and (bits == _FP4 or form == "pack-quantized"):
        base = replace(codings()["w4a16"], bits=bits)
    base = replace(base, **_blocks(weights, group))
    if weights.value("symmetric") is False:
        base = replace(base, zero_bits=bits, zero_container=base.container)
    order = weights.value("actorder")
    if order is True or order == "group":  # "weight" reorders before packing and stores no index
        base = replace(base, column_bits=32)
    extra = int(static)
    return replace(base, matrix_elements=base.matrix_elements + extra, matrix_bytes=base.matrix_bytes + 2 * extra)


def _blocks(weights: Fields, group: int | None) -> dict[str, Any]:
    """Return which weights share a scale, by strategy."""
    strategy = weights.word("strategy") or ("tensor" if group is None else "group")
    if strategy == "tensor":
        return {"block_out": 0, "block_in": 0}
    if strategy == "channel":
        return {"block_out": 1, "block_in": 0}
    if strategy == "group" and group is not None:
        return {"block_out": 1, "block_in": group}
    block = block_of(weights, "block_structure") if strategy == "block" else None
    if block is None:
        raise Refused(f"the strategy {quote(strategy, 40)} is not known")
    return {"block_out": block[0], "block_in": block[1]}


def _fp4(group: int | None, *, has_inputs: bool, is_scaled: bool) -> Coding:
    """Return FP4 with a scale for each group; NVFP4 has one more for the matrix and, for inputs, another."""
    if not is_scaled:
        return codings()["mxfp4"]
    extra = 1 + has_inputs
    return replace(codings()["nvfp4"], block_in=group or 16, matrix_elements=extra, matrix_bytes=4 * extra)


def _name(rule: Rule) -> str:
    return rule.coding.name if rule.coding else "unquantized"
