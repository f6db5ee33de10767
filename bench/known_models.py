"""Write the configs of known models that `weighbridge claims` computes from: structural numbers only.

    python bench/known_models.py ../shared/data/configs > src/weighbridge/inspection/claims/models.json

A config is kept where its structure is known; of its keys, those that the formulas ask for. Quantized copies and
renamed clones of a model are left out.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from weighbridge.inspection.anatomy.build import Refusal, structure_of

_DROPPED = ("NVFP4", "FP8", "MLX", "Create-Bot", "2PRYMMAL", "lzlv", "Reflection", "Cantonese", "AIN", "cogito")
_TEXT_KEYS = ("architectures", "auto_map", "quantization_config", "compression_config", "quantization", "id2label",
              "label2id", "transformers_version", "dtype", "torch_dtype", "use_cache", "_name_or_path",
              "rope_scaling", "rope_parameters", "bos_token_id", "eos_token_id", "pad_token_id",
              "initializer_range", "rope_theta", "attention_dropout", "hidden_act")  # fmt: skip

# facts printed in reports of models whose config is not among those collected
_PRINTED: dict[str, dict[str, Any]] = {
    "deepseek-ai/DeepSeek-V2": {
        "model_type": "deepseek_v2", "hidden_size": 5120, "num_hidden_layers": 60, "vocab_size": 102400,
        "num_attention_heads": 128, "num_key_value_heads": 128, "kv_lora_rank": 512, "q_lora_rank": 1536,
        "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 12288,
        "moe_intermediate_size": 1536, "n_routed_experts": 160, "n_shared_experts": 2, "num_experts_per_tok": 6,
        "first_k_dense_replace": 1, "moe_layer_freq": 1, "tie_word_embeddings": False, "attention_bias": False,
        "max_position_embeddings": 163840,
    },
    "deepseek-ai/DeepSeek-LLM-67B": {
        "model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 95, "vocab_size": 102400,
        "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 22016,
        "tie_word_embeddings": False, "max_position_embeddings": 4096,
    },
    "Qwen/Qwen2.5-72B": {
        "model_type": "qwen2", "hidden_size": 8192, "num_hidden_layers": 80, "vocab_size": 152064,
        "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 29568,
        "tie_word_embeddings": False, "max_position_embeddings": 131072,
    },
    "openai/gpt-oss-120b": {
        "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36, "vocab_size": 201088,
        "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880,
        "num_local_experts": 128, "num_experts_per_tok": 4, "sliding_window": 128, "attention_bias": True,
        "tie_word_embeddings": False, "max_position_embeddings": 131072,
    },
}  # fmt: skip


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    models: dict[str, Any] = dict(_PRINTED)
    with (folder / "index.csv").open(encoding="utf-8") as index:
        for row in csv.DictReader(index):
            if any(word in row["file"] for word in _DROPPED):
                continue
            config = json.loads((folder / row["file"]).read_text(encoding="utf-8"))
            if isinstance(structure_of(config), Refusal):
                continue
            models[row["hf_id"].replace("Meta-Llama-3.1", "Llama-3.1")] = _numbers(config)
    for name, config in models.items():
        outcome = structure_of(config)
        if isinstance(outcome, Refusal):
            raise SystemExit(f"{name}: {outcome.reason}")
    source = "config.json of each model at its publisher, structural fields only; four from technical reports"
    print(json.dumps({"source": source, "models": dict(sorted(models.items()))}))


def _numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Keep what describes a structure."""
    return {
        key: _numbers(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _TEXT_KEYS and value is not None
    }


if __name__ == "__main__":
    main()
