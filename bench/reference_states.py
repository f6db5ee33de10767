"""Count what transformers keeps for a sequence: run small models and measure their caches, the truth for our formulas.

    ref/bin/python bench/reference_states.py cases.json > tests/unit/inspection/anatomy/states/<group>.json

`cases.json` is a list of {"case": name, "config": {...}}; the answer adds, after `TOKENS` tokens, the elements of
`cache` (keys, values, index keys) and of constant `state`. Of a convolution's inputs the library stores as many as
its kernel is long, of which the next token needs one less: those count. Cases that the library cannot run are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

TOKENS = 16
_KERNELS = ("linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel", "conv_L_cache")


def measure(config: dict[str, Any]) -> dict[str, int] | None:
    """Return the cached and the constant elements of one sequence, or None where the library keeps no such cache."""
    settings = {key: value for key, value in config.items() if key != "model_type"}
    parsed = AutoConfig.for_model(config["model_type"], **settings)
    model = AutoModelForCausalLM.from_config(parsed, attn_implementation="eager").eval()
    with torch.no_grad():
        output = model(torch.arange(TOKENS)[None] + 5, use_cache=True)
    cache = getattr(output, "past_key_values", None) or getattr(output, "cache_params", None)
    if cache is None:
        return None
    kernel = next((getattr(parsed, key) for key in _KERNELS if hasattr(parsed, key)), None)
    kept = state = 0
    for layer in cache.layers:
        for name in ("keys", "values", "indexer_keys"):
            kept += _elements(getattr(layer, name, None))
        state += sum(map(_elements, getattr(layer, "recurrent_states", {}).values()))
        for inputs in getattr(layer, "conv_states", {}).values():
            if inputs is not None:
                state += _elements(inputs[..., 1:] if inputs.shape[-1] == kernel else inputs)
    state += sum(map(_elements, getattr(cache, "linear_cache", ())))
    return {"cache": kept, "state": state}


def _elements(tensor: object) -> int:
    return tensor.numel() if isinstance(tensor, torch.Tensor) else 0


def main() -> None:
    """Print the cases that the library runs, with what it keeps."""
    counted = []
    for case in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        try:
            measured = measure(case["config"])
        except (RuntimeError, ValueError) as refusal:
            sys.stderr.write(f"{case['case']}: {refusal}\n")
            continue
        if measured is not None:
            counted.append({**case, **measured})
    source = f"transformers {transformers.__version__}, run on CPU"
    print(json.dumps({"source": source, "tokens": TOKENS, "cases": counted}, indent=1))


if __name__ == "__main__":
    main()
