"""Module lists of quantized checkpoints: plain names, globs and `re:` patterns."""

from __future__ import annotations

import time

import pytest

from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.memory.quantization.names import Names

_EXPERT = "model.layers.3.mlp.experts.*.gate_proj.weight"


@pytest.mark.parametrize(
    ("pattern", "name", "is_match"),
    [
        # Kimi-K2-Thinking, compressed-tensors: dense layers are left out, experts are not
        (r"re:.*mlp\.(gate|up|gate_up|down)_proj.*", "model.layers.0.mlp.up_proj.weight", True),
        (r"re:.*mlp\.(gate|up|gate_up|down)_proj.*", _EXPERT, False),
        ("re:.*self_attn.*", "model.layers.3.self_attn.o_proj.weight", True),
        ("re:.*mlp.gate$", "model.layers.3.mlp.gate.weight", True),
        ("re:.*mlp.gate$", "model.layers.3.mlp.gate_proj.weight", False),
        (r"re:^model\.layers\.[0-9]+\.mlp\.gate$", "model.layers.33.mlp.gate.weight", True),
        # Qwen3.5 and GLM-5 of modelopt: another outer name, and a number that is not the start of another
        ("model.language_model.layers.0.self_attn*", "model.layers.0.self_attn.q_proj.weight", True),
        ("model.layers.1.*", "model.layers.11.mlp.gate.weight", False),
        ("*.mlp.shared_expert.*", "model.layers.1.mlp.shared_expert.up_proj.weight", True),
        # DeepSeek-V4 of modelopt, in DeepSeek's own names
        ("*.attn.*", "model.layers.1.self_attn.q_proj.weight", True),
        ("layers.0.ffn.experts", "model.layers.0.mlp.experts.*.w1.weight", True),
        # MiniMax-M2.5: a bare module name is no prefix of others
        ("gate", "model.layers.1.block_sparse_moe.gate.weight", True),
        ("gate", _EXPERT, False),
        # gpt-oss
        ("model.layers.*.mlp.router", "model.layers.7.mlp.router.weight", True),
    ],
)
def test_real_patterns_match_as_their_libraries_do(pattern: str, name: str, *, is_match: bool) -> None:
    """A name stands for a module and all in it; a pattern is matched from the start, `$` to the end."""
    assert Names([pattern]).match(name) is is_match


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*a)*", "(?=a)", "a{9}", "[a", "(a)+b", "(a|b", "a|b", "a?" * 30])
def test_a_pattern_that_could_run_long_or_is_not_understood_is_refused(pattern: str) -> None:
    """Nested quantifiers, look-around and many alternatives are refused before they are tried."""
    with pytest.raises(Refused):
        Names([f"re:{pattern}"])


def test_many_names_on_many_weights_take_little_time() -> None:
    """3,000 listed modules and 64 patterns against a long name: a few milliseconds each at most."""
    names = Names([
        *(f"model.layers.{number}.mlp.shared_experts*" for number in range(3000)),
        *("re:.*a.*b.*c.*d" for _ in range(64)),
    ])  # fmt: skip
    start = time.process_time()
    for _ in range(20):
        assert not names.match("model." + "abc" * 60)
    assert time.process_time() - start < 2
