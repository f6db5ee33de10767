"""Count what transformers builds from configs, on torch's meta device: the truth that our formulas are held to.

    python -m venv ref && ref/bin/pip install transformers==5.23.0 torch
    ref/bin/python bench/reference_totals.py cases.json > tests/unit/inspection/anatomy/reference/<group>.json

`cases.json` is a list of {"case": name, "config": {...}}; the answer adds `total` and, for models that see or hear,
`text` (without the towers and projectors), each in parameters; buffers are not counted, a tied matrix once.
`windows` says for each layer how far it sees where the library alternates full and sliding layers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
)

_IGNORED = ("quantization_config", "compression_config", "auto_map")
_SENSES = (
    "vision", "visual", "audio", "multi_modal", "multimodal", "mm_", "projector", "aligner", "connector", "resampler",
    "image_newline", "embed_tokens_extend", "view_separator",
)  # fmt: skip
# the widest first: for some wrappers the class for causal language models leaves out what sees or hears
_BUILDERS = (AutoModelForMultimodalLM, AutoModelForImageTextToText, AutoModelForCausalLM, AutoModel)


def count(config: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the class that transformers builds from a config."""
    settings = {key: value for key, value in config.items() if key not in _IGNORED and key != "model_type"}
    parsed = AutoConfig.for_model(config["model_type"], **settings)
    for builder in _BUILDERS:
        try:
            with torch.device("meta"):
                model = builder.from_config(parsed)
            break
        except (ValueError, KeyError):
            continue
    else:
        raise SystemExit(f"transformers {transformers.__version__} builds nothing from {config['model_type']}")
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    seen = sum(
        size for name, size in sizes.items() if "language_model" not in name and any(word in name for word in _SENSES)
    )
    total = sum(sizes.values())
    counted = {"class": type(model).__name__, "total": total} | ({"text": total - seen} if seen else {})
    return counted | windows(parsed.get_text_config())


def windows(config: Any) -> dict[str, Any]:
    """Return the window of each layer, null for full attention; nothing where layers are of other kinds."""
    kinds = getattr(config, "layer_types", None)
    if not kinds or set(kinds) - {"full_attention", "sliding_attention"}:
        return {}
    return {"windows": [config.sliding_window if kind == "sliding_attention" else None for kind in kinds]}


def main() -> None:
    """Print the cases with their counts."""
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    counted = [{**case, **count(case["config"])} for case in cases]
    source = f"transformers {transformers.__version__}, instantiated on torch's meta device"
    print(json.dumps({"source": source, "cases": counted}, indent=1))


if __name__ == "__main__":
    main()
