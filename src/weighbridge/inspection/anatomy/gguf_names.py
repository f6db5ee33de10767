"""Which part of a model a GGUF tensor belongs to, by its name (gguf 0.19.0, `gguf/constants.py`: TENSOR_NAMES)."""

from __future__ import annotations

import re

from weighbridge.inspection.anatomy.structure import Part

__all__ = ["part_of"]

# the first that matches the name without `blk.N.`
_PARTS = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"token_embd\.weight|position_embd\.weight|token_types\.weight", Part.EMBEDDING),
        (r"output\.(weight|bias)", Part.HEAD),
        (r"rope_freqs\.weight|rope_factors_(long|short)\.weight", Part.NORMS),
        (r"nextn\..+|layer_output_scale\.weight", Part.RESIDUAL),
        (r".*norm(\.(weight|bias))?|.*norm_[12]\.(weight|bias)", Part.NORMS),
        (r"ssm_.+|attn_gate\.weight", Part.LINEAR_ATTENTION),
        (r"attn_.+", Part.ATTENTION),
        (r"indexer\..+", Part.ATTENTION),
        (r"ffn_gate_inp_shexp\.weight", Part.SHARED_EXPERTS),
        (r"ffn_gate_inp\..+|exp_probs_b\.bias", Part.ROUTER),
        (r"ffn_(gate|up|down|gate_up)_exps\.(weight|bias)", Part.ROUTED_EXPERTS),
        (r"ffn_(gate|up|down)_shexp\.(weight|bias)", Part.SHARED_EXPERTS),
        (r"ffn_(gate|up|down)\.(weight|bias)", Part.DENSE_FFN),
    )
)


def part_of(name: str) -> Part | None:
    """Return the part of a tensor, given by its name within its block; None where the name is not known."""
    return next((part for pattern, part in _PARTS if pattern.fullmatch(name)), None)
