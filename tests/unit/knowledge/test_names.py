from __future__ import annotations

import pytest

from weighbridge.knowledge.load import load_knowledge

# what each model is made of, by its card on huggingface.co
BASES = {
    "bartowski/Qwen_Qwen3-8B-GGUF": "Qwen",
    "Qwen/QwQ-32B": "Qwen",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "Qwen",
    "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B": "Qwen",
    "unsloth/DeepSeek-R1-Distill-Llama-8B-GGUF": "Llama",
    "deepseek-ai/DeepSeek-V3.2": "DeepSeek",
    "nvidia/Llama-3_3-Nemotron-Super-49B-v1": "Llama",
    "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16": "Nemotron",
    "tiiuae/falcon-mamba-7b": "Falcon",
    "state-spaces/mamba-2.8b": "Mamba",
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": "TinyLlama",
    "meta-llama/Meta-Llama-3-8B": "Llama",
    "codellama/CodeLlama-7b-hf": "Llama",
    "mistralai/Mixtral-8x7B-v0.1": "Mixtral",
    "mistralai/Devstral-Small-2507": "Mistral",
    "LGAI-EXAONE/K-EXAONE-236B-A23B": "K-EXAONE",
    "LGAI-EXAONE/EXAONE-4.0-32B": "EXAONE",
    "EleutherAI/gpt-neox-20b": "GPT-NeoX",
    "EleutherAI/gpt-neo-1.3B": "GPT-Neo",
    "openai/gpt-oss-20b": "gpt-oss",
    "microsoft/phi-4": "Phi",
    "microsoft/Phi-3.5-mini-instruct": "Phi",
    "01-ai/Yi-1.5-34B": "Yi",
    "dphn/dolphin-2.9.1-yi-1.5-34b": "Yi",
    "THUDM/chatglm3-6b": "GLM",
    "zai-org/GLM-5.3-Flash": "GLM",
    "stepfun-ai/Step-3.7-Flash": "Step",
    "moonshotai/Moonlight-16B-A3B": "Kimi",
    "allenai/OLMo-2-1124-7B": "OLMo",
    "someone/Qwen3.5-9B-GLM5.1-Distill-v1": "Qwen",
    "someone/granite-4.0-h-1b-DISTILL-glm-4.7": "Granite",
    "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF": "Llama",
    "nvidia/Qwen3-Nemotron-32B-RLBFF": "Qwen",
    "nvidia/OpenReasoning-Nemotron-32B": "Qwen",
    "moonshotai/Kimi-Dev-72B": "Qwen",
    "allenai/olmOCR-2-7B-1025": "Qwen",
    "baichuan-inc/Baichuan-M2-32B": "Qwen",
    "HuggingFaceH4/zephyr-7b-beta": "Mistral",
    "NousResearch/Hermes-4.3-36B": "Seed",
}


@pytest.mark.parametrize(("repository", "family"), BASES.items())
def test_a_name_gives_the_base(repository: str, family: str) -> None:
    """Derivatives and distillations are of the family whose weights they are."""
    found = load_knowledge().family_of(repository)
    assert found is not None
    assert found.name == family


@pytest.mark.parametrize(
    "repository",
    [
        "someone/my-model",
        "someone/checkpoint-step-1000",
        "someone/philosophy-7b",
        "someone/yippee",
        "openlm-research/open_llama_7b",
        "someone/ollama-tools",
        "Qwen/model",
        "",
        "/",
        "someone/Qwen-Mistral-merge",
        "someone/Llama-3-8B-Mistral-7B-slerp",
    ],
)
def test_a_name_that_does_not_say_is_unknown(repository: str) -> None:
    """No family, words that only look like one, the publisher's part alone, and merges of two."""
    assert load_knowledge().family_of(repository) is None
