from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.inspection.lineage.compare import compare_with_base
from weighbridge.testing.pinned import pin

REAL = Path.home() / ".cache" / "weighbridge-test-models"
SMALL, LARGE, OTHER, GEMMA, CUT = (
    REAL / f"{name}.gguf"
    for name in ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m", "gemma-3-270m", "r1-distill-qwen-7b")
)

pytestmark = pytest.mark.skipif(not LARGE.exists(), reason=f"{REAL} is absent")


def test_two_sizes_of_one_family_are_no_derivation() -> None:
    """Qwen2.5-Coder 0.5B and 1.5B: one vocabulary, a Gram of 0.93 (section 5.2), and no derivation."""
    body, _ = compare_with_base(pin(SMALL), pin(LARGE))
    assert body.verdict == "not consistent with"
    assert (body.tokenizer.verdict, body.tokenizer.tokens) == ("identical", 151_936)
    assert body.embedding_gram == pytest.approx(0.93, abs=0.03)
    assert "no derivation" in body.reason
    assert body.shapes_note == "24 layers, the base 28"


def test_models_of_other_families_share_nothing() -> None:
    """SmolLM2 and Gemma 3: other structures, other vocabularies, no Gram over ids that mean different tokens."""
    body, _ = compare_with_base(pin(OTHER), pin(GEMMA))
    assert body.verdict == "not consistent with"
    assert (body.tokenizer.verdict, body.embedding_gram) == ("differs", None)
    assert "family" not in body.reason


def test_a_model_is_consistent_with_itself() -> None:
    """The same file twice: every cosine is 1, biases too."""
    body, notes = compare_with_base(pin(SMALL), pin(SMALL))
    assert (body.verdict, body.relation, notes) == ("consistent with", "same weights", [])
    assert body.row_cosine is not None
    assert body.biases is not None
    assert body.row_cosine.low == body.biases.low == 1.0
    assert body.shapes_equal == body.shapes_total == 288


def test_a_file_cut_before_its_weights_cannot_be_told() -> None:
    """R1-Distill-Qwen-7B without the data of its tensors: equal shapes and words decide nothing."""
    if not CUT.exists():
        pytest.skip(f"{CUT} is absent")
    body, notes = compare_with_base(pin(CUT), pin(CUT))
    assert (body.verdict, body.rows) == ("cannot tell", [])
    assert "339 of 339 tensors are cut" in notes[0]
