"""A fit that is kept: evidence that a policy can ask, one a deployment."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import FitV1
from weighbridge.errors import UsageError
from weighbridge.workflow.inspection.fit import Asked, fit_evidence, place
from weighbridge.workflow.judge import newest

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 22)
LLAMA_8B = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False,
    "torch_dtype": "bfloat16", "max_position_embeddings": 131072,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return the path of Llama-3.1-8B's config."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA_8B))
    return str(path)


def test_a_fit_is_stated_with_bounds_and_speed(config: str) -> None:
    """16.06 GB of weights fit into 80; 208.3 tokens/s is 3,350 GB/s over 15.01 GB of weights and 1.07 of cache."""
    placed = place(Asked(config, on="h100-sxm", context=8192, usd_per_hour=2.0))
    body = FitV1.model_validate(fit_evidence(placed, TODAY).body)
    assert body.verdict == "fits"
    assert body.weights is not None
    assert body.weights.low == pytest.approx(2 * 8_030_261_248, rel=0.01)
    assert body.speed is not None
    assert body.speed.tokens_per_s_alone == pytest.approx(208.3, rel=1e-3)
    assert body.speed.binds == "memory"


def test_deployments_stand_beside_each_other(config: str) -> None:
    """Another device, context or number is another measurement; the same one again replaces the older."""
    asked = [Asked(config, on="h100-sxm"), Asked(config, on="l4"), Asked(config, on="h100-sxm", sequences=64)]
    kept = [fit_evidence(place(one), TODAY) for one in (*asked, asked[0])]
    assert len({statement.recipe for statement in kept}) == 3
    assert len(newest(kept)) == 3


def test_a_ranking_is_no_evidence(config: str) -> None:
    """It names no device that anybody means to use."""
    with pytest.raises(UsageError, match="only a fit on a device"):
        fit_evidence(place(Asked(config)), TODAY)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """The config alone is judged then, so the verdict says that the weights beside it were not read."""
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_8B))
    assert not any("safetensors" in note for note in place(Asked(str(tmp_path), on="h100-sxm")).notes)
    (tmp_path / "model.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    assert any("model.safetensors" in note for note in place(Asked(str(tmp_path), on="h100-sxm")).notes)
