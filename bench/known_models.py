"""Write the configs of known models that `weighbridge claims` computes from: structural numbers only.

    python bench/known_models.py ../shared/data/configs > src/weighbridge/inspection/claims/data/models.json

A config is kept where its structure is known; of its keys, those that the formulas ask for. Quantized copies and
renamed clones of a model are left out.
"""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from weighbridge.inspection.anatomy.build import Refusal, structure_of

_HERE = Path(__file__).parent.parent / "src" / "weighbridge" / "inspection" / "claims" / "data"
_SNAPSHOT = _HERE / "hub.json"
_SOURCE = "config.json of each model at its publisher, structural fields only; some shapes from cards and reports"
_DROPPED = ("NVFP4", "FP8", "MLX", "Create-Bot", "2PRYMMAL", "lzlv", "Reflection", "Cantonese", "AIN", "cogito")
_TEXT_KEYS = ("architectures", "auto_map", "quantization_config", "compression_config", "quantization", "id2label",
              "label2id", "transformers_version", "dtype", "torch_dtype", "use_cache", "_name_or_path",
              "rope_scaling", "rope_parameters", "bos_token_id", "eos_token_id", "pad_token_id",
              "initializer_range", "rope_theta", "attention_dropout", "hidden_act")  # fmt: skip

# shapes printed in cards and reports, of models whose config is not among those collected; each is checked below
# against the elements that its hub stores. Columns: hidden, layers, heads, KV heads, intermediate, vocabulary,
# tied head, context, further keys
_DENSE: dict[str, tuple[str, int, int, int, int, int, int, bool, int, dict[str, Any]]] = {
    "Qwen/Qwen2.5-0.5B": ("qwen2", 896, 24, 14, 2, 4864, 151936, True, 32768, {}),
    "Qwen/Qwen2.5-1.5B": ("qwen2", 1536, 28, 12, 2, 8960, 151936, True, 131072, {}),
    "Qwen/Qwen2.5-3B": ("qwen2", 2048, 36, 16, 2, 11008, 151936, True, 32768, {}),
    "Qwen/Qwen2.5-14B": ("qwen2", 5120, 48, 40, 8, 13824, 152064, False, 131072, {}),
    "Qwen/Qwen2.5-32B": ("qwen2", 5120, 64, 40, 8, 27648, 152064, False, 131072, {}),
    "Qwen/Qwen2.5-72B": ("qwen2", 8192, 80, 64, 8, 29568, 152064, False, 131072, {}),
    "Qwen/Qwen3-1.7B": ("qwen3", 2048, 28, 16, 8, 6144, 151936, True, 40960, {"head_dim": 128}),
    "Qwen/Qwen3-4B": ("qwen3", 2560, 36, 32, 8, 9728, 151936, True, 40960, {"head_dim": 128}),
    "Qwen/QwQ-32B": ("qwen2", 5120, 64, 40, 8, 27648, 152064, False, 40960, {}),
    "meta-llama/Meta-Llama-3-8B": ("llama", 4096, 32, 32, 8, 14336, 128256, False, 8192, {}),
    "meta-llama/Meta-Llama-3-70B": ("llama", 8192, 80, 64, 8, 28672, 128256, False, 8192, {}),
    "meta-llama/Llama-3.2-3B": ("llama", 3072, 28, 24, 8, 8192, 128256, True, 131072, {"head_dim": 128}),
    "meta-llama/Llama-3.3-70B-Instruct": ("llama", 8192, 80, 64, 8, 28672, 128256, False, 131072, {}),
    "meta-llama/Llama-2-70b-hf": ("llama", 8192, 80, 64, 8, 28672, 32000, False, 4096, {}),
    "deepseek-ai/DeepSeek-LLM-67B": ("llama", 8192, 95, 64, 8, 22016, 102400, False, 4096, {}),
    "01-ai/Yi-34B": ("llama", 7168, 60, 56, 8, 20480, 64000, False, 4096, {}),
    "01-ai/Yi-6B": ("llama", 4096, 32, 32, 4, 11008, 64000, False, 4096, {}),
    "01-ai/Yi-9B": ("llama", 4096, 48, 32, 4, 11008, 64000, False, 4096, {}),
    "01-ai/Yi-1.5-34B": ("llama", 7168, 60, 56, 8, 20480, 64000, False, 4096, {}),
    "mistralai/Mistral-Small-24B-Instruct-2501": (
        "mistral", 5120, 40, 32, 8, 32768, 131072, False, 32768, {"head_dim": 128},
    ),
    "mistralai/Mistral-Nemo-Instruct-2407": (
        "mistral", 5120, 40, 32, 8, 14336, 131072, False, 131072, {"head_dim": 128},
    ),
    "mistralai/Mistral-Large-Instruct-2407": ("mistral", 12288, 88, 96, 8, 28672, 32768, False, 131072, {}),
    "microsoft/phi-4": ("phi3", 5120, 40, 40, 10, 17920, 100352, False, 16384, {}),
    "google/gemma-2-9b": ("gemma2", 3584, 42, 16, 8, 14336, 256000, True, 8192, {"head_dim": 256}),
    "google/gemma-7b": ("gemma", 3072, 28, 16, 16, 24576, 256000, True, 8192, {"head_dim": 256}),
}  # fmt: skip
_MLA = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
_PRINTED: dict[str, dict[str, Any]] = {
    "deepseek-ai/DeepSeek-V2": {
        "model_type": "deepseek_v2", "hidden_size": 5120, "num_hidden_layers": 60, "vocab_size": 102400,
        "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536, **_MLA,
        "intermediate_size": 12288, "moe_intermediate_size": 1536, "n_routed_experts": 160, "n_shared_experts": 2,
        "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1, "tie_word_embeddings": False,
        "attention_bias": False, "max_position_embeddings": 163840,
    },
    "moonshotai/Moonlight-16B-A3B": {
        "model_type": "deepseek_v3", "hidden_size": 2048, "num_hidden_layers": 27, "vocab_size": 163840,
        "num_attention_heads": 16, "num_key_value_heads": 16, "q_lora_rank": None, **_MLA,
        "intermediate_size": 11264, "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2,
        "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1, "tie_word_embeddings": False,
        "attention_bias": False, "max_position_embeddings": 8192, "topk_method": "noaux_tc",
    },
    "openai/gpt-oss-120b": {
        "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36, "vocab_size": 201088,
        "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880,
        "num_local_experts": 128, "num_experts_per_tok": 4, "sliding_window": 128, "attention_bias": True,
        "tie_word_embeddings": False, "max_position_embeddings": 131072,
    },
    "zai-org/GLM-4.5-Air": {
        "model_type": "glm4_moe", "hidden_size": 4096, "num_hidden_layers": 46, "vocab_size": 151552,
        "num_attention_heads": 96, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 10944,
        "moe_intermediate_size": 1408, "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8,
        "first_k_dense_replace": 1, "num_nextn_predict_layers": 1, "attention_bias": True, "use_qk_norm": False,
        "tie_word_embeddings": False, "max_position_embeddings": 131072,
    },
    "baidu/ERNIE-4.5-300B-A47B-PT": {
        "model_type": "ernie4_5_moe", "hidden_size": 8192, "num_hidden_layers": 54, "vocab_size": 103424,
        "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672, "head_dim": 128,
        "moe_intermediate_size": 3584, "moe_num_experts": 64, "moe_k": 8, "moe_layer_start_index": 3,
        "moe_layer_end_index": 53, "moe_layer_interval": 1, "moe_num_shared_experts": 0, "use_bias": False,
        "tie_word_embeddings": False, "max_position_embeddings": 131072,
    },
}  # fmt: skip

# the same shape under another name: only the context differs, where it does
_ALIKE: dict[str, tuple[str, int | None]] = {
    "Qwen/Qwen3-235B-A22B-Instruct-2507": ("Qwen/Qwen3-235B-A22B", 262144),
    "Qwen/Qwen3-30B-A3B-Instruct-2507": ("Qwen/Qwen3-30B-A3B", 262144),
    "Qwen/Qwen3-Coder-30B-A3B-Instruct": ("Qwen/Qwen3-30B-A3B", 262144),
    "Qwen/Qwen2.5-Coder-7B": ("Qwen/Qwen2.5-7B-Instruct", 131072),
    "Qwen/Qwen2.5-Coder-32B-Instruct": ("Qwen/Qwen2.5-32B", 131072),
    "deepseek-ai/DeepSeek-Coder-V2-Instruct": ("deepseek-ai/DeepSeek-V2", None),
    "deepseek-ai/DeepSeek-V2.5": ("deepseek-ai/DeepSeek-V2", None),
    "deepseek-ai/DeepSeek-R1-0528": ("deepseek-ai/DeepSeek-R1", None),
    "deepseek-ai/DeepSeek-R1-Zero": ("deepseek-ai/DeepSeek-R1", None),
    "deepseek-ai/DeepSeek-V3-0324": ("deepseek-ai/DeepSeek-V3", None),
    "deepseek-ai/DeepSeek-V3.1": ("deepseek-ai/DeepSeek-V3", None),
    "deepseek-ai/DeepSeek-V3.1-Terminus": ("deepseek-ai/DeepSeek-V3", None),
    "moonshotai/Kimi-K2-Instruct-0905": ("moonshotai/Kimi-K2-Instruct", 262144),
    "moonshotai/Kimi-K2-Thinking": ("moonshotai/Kimi-K2-Instruct", 262144),
    "MiniMaxAI/MiniMax-M2": ("MiniMaxAI/MiniMax-M2.5", 196608),
    "MiniMaxAI/MiniMax-M2.1": ("MiniMaxAI/MiniMax-M2.5", 196608),
    "MiniMaxAI/MiniMax-M2.7": ("MiniMaxAI/MiniMax-M2.5", 204800),
    "zai-org/GLM-4.6": ("zai-org/GLM-4.5", 202752),
    "zai-org/GLM-4.7": ("zai-org/GLM-4.5", 202752),
    "Qwen/Qwen3.6-35B-A3B": ("Qwen/Qwen3.5-35B-A3B", None),
}

# published under another name, or by somebody who packed it: the config is the model's own
_RENAMED = {
    "meta-llama/Meta-Llama-3.1-405B": "meta-llama/Llama-3.1-405B",
    "meta-llama/Meta-Llama-3.1-70B": "meta-llama/Llama-3.1-70B",
    "meta-llama/Meta-Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
    "codellama/CodeLlama-34b-Instruct-hf": "meta-llama/CodeLlama-34b-Instruct-hf",
    "nvidia/DeepSeek-V3.2-NVFP4": "deepseek-ai/DeepSeek-V3.2",
    "nvidia/DeepSeek-V4-Pro-NVFP4": "deepseek-ai/DeepSeek-V4-Pro",
    "nvidia/GLM-5.2-NVFP4": "zai-org/GLM-5.2",
    "nvidia/Kimi-K2.5-NVFP4": "moonshotai/Kimi-K2.5",
    "nvidia/Kimi-K2.7-Code-NVFP4": "moonshotai/Kimi-K2.7-Code",
    "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4": "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16",
    "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-NVFP4": "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16",
    "nvidia/Qwen3.5-397B-A17B-NVFP4": "Qwen/Qwen3.5-397B-A17B",
    "nvidia/Qwen3.6-27B-NVFP4": "Qwen/Qwen3.6-27B",
}

# shapes that stand in the tests, with what their hubs store
_MIXTURES = Path(__file__).parent.parent / "tests" / "unit" / "inspection" / "anatomy" / "mixture_models.toml"
_IN_TESTS = {
    "Phi-3.5-MoE": "microsoft/Phi-3.5-MoE-instruct", "Hunyuan-Large": "tencent/Tencent-Hunyuan-Large",
    "Hunyuan-A13B": "tencent/Hunyuan-A13B-Instruct", "Step-3": "stepfun-ai/step3", "Hy3": "tencent/Hy3",
    "Qwen2-57B-A14B": "Qwen/Qwen2-57B-A14B-Instruct", "DBRX": "databricks/dbrx-instruct",
    "MiMo-V2-Flash": "XiaomiMiMo/MiMo-V2-Flash", "Ling-lite": "inclusionAI/Ling-lite",
    "Arctic": "Snowflake/snowflake-arctic-instruct", "Grok-2": "xai-org/grok-2",
}  # fmt: skip

# what the collected copies dropped of their config, as their index says
_RESTORED: dict[str, dict[str, Any]] = {"zai-org/GLM-4.5": {"num_nextn_predict_layers": 1}}


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    models: dict[str, Any] = {name: _shape(*shape) for name, shape in _DENSE.items()} | _PRINTED
    with (folder / "index.csv").open(encoding="utf-8") as index:
        for row in csv.DictReader(index):
            name = _RENAMED.get(row["hf_id"], row["hf_id"])
            if name == row["hf_id"] and any(word in row["file"] for word in _DROPPED):
                continue
            config = json.loads((folder / row["file"]).read_text(encoding="utf-8")) | _RESTORED.get(name, {})
            whole, cut = structure_of(config), structure_of(_numbers(config))
            if isinstance(whole, Refusal) or isinstance(cut, Refusal):
                continue
            if whole.text_total != cut.text_total:
                raise SystemExit(f"{name}: {cut.text_total} left of {whole.text_total}")
            models[name] = _numbers(config)
    for name, (like, context) in _ALIKE.items():
        models[name] = models[like] | ({"max_position_embeddings": context} if context else {})
    with _MIXTURES.open("rb") as file:
        mixtures = tomllib.load(file)
    models |= {name: mixtures[case]["config"] for case, name in _IN_TESTS.items()}
    stored = {row[0]: row[3] for row in json.loads(_SNAPSHOT.read_text(encoding="utf-8"))["rows"] if row[3]}
    for name in sorted({*_DENSE, *_PRINTED, *_ALIKE, *_IN_TESTS.values()}):
        _check(name, models[name], stored)
    print(json.dumps({"source": _SOURCE, "models": dict(sorted(models.items()))}, separators=(",", ":")))


def _shape(model_type: str, *numbers: Any) -> dict[str, Any]:
    keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size",
            "vocab_size", "tie_word_embeddings", "max_position_embeddings")  # fmt: skip
    return {"model_type": model_type, **dict(zip(keys, numbers[:-1], strict=True)), **numbers[-1]}


def _check(name: str, config: dict[str, Any], stored: dict[str, int]) -> None:
    """Stop where a printed shape does not add up to what the hub stores, by any composition that hubs use."""
    outcome = structure_of(config)
    if isinstance(outcome, Refusal):
        raise SystemExit(f"{name}: {outcome.reason}")
    known = next((stored[other] for other in stored if other.startswith(name)), None)
    total = outcome.text_total
    head = outcome.vocabulary * outcome.hidden_size if outcome.is_tied else 0
    mtp = outcome.mtp_total + outcome.mtp_copies
    sums = {total, total + head, total + outcome.buffers, total + outcome.buffers + mtp, total + mtp}
    if known not in sums:
        nearest = min(sums, key=lambda one: abs(one - (known or 0)))
        print(f"{name}: hub {known}, computed {nearest}", file=sys.stderr)


def _numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Keep what describes a structure."""
    return {
        key: _numbers(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _TEXT_KEYS
    }


if __name__ == "__main__":
    main()
