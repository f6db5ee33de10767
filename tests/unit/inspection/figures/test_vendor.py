"""Publishers' figures, and the convention that gives each: names and totals as published on the hubs."""

from __future__ import annotations

import pytest

from weighbridge.core.kinds.anatomy import ActiveBody, ParametersBody
from weighbridge.inspection.figures.vendor import vendor_figures


def _model(total: int, active: tuple[int, int, int], **parts: int) -> ParametersBody:
    names = ("all", "without_input_embedding", "without_embeddings")
    return ParametersBody(
        total=total, text=total, active=ActiveBody(**dict(zip(names, active, strict=True))), parts=parts
    )


QWEN3_30B = _model(30_532_122_624, (3_353_032_704, 3_041_867_776, 2_730_702_848), routed_experts=1)
GLM_45 = _model(352_797_814_784, (33_632_251_904, 32_856_305_664, 32_080_359_424), routed_experts=1)
SCOUT = _model(107_769_861_120, (17_172_894_720, 16_138_408_960, 15_103_923_200), routed_experts=1)
DENSE = _model(7_615_616_512, (7_615_616_512, 7_070_619_136, 6_525_621_760))


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("Qwen3-30B-A3B", QWEN3_30B, [("30B", "total", "total"), ("A3B", "active", "without_input_embedding")]),
        ("GLM-4.5-A32B", GLM_45, [("A32B", "active", "without_embeddings")]),
        ("Llama-4-Scout-17B-16E", SCOUT, [("17B", "active", "all")]),
        ("Qwen2-7B", DENSE, [("7B", "total", "total")]),
        ("Qwen-7_6B-Chat", DENSE, [("7.6B", "total", "total")]),
        ("Qwen2-72B", DENSE, [("72B", "total", None)]),
        ("Mixtral-8x7B-v0.1", DENSE, []),
        ("gemma-3n-E4B-it", DENSE, []),
        ("model", DENSE, []),
    ],
)
def test_a_figure_is_explained_by_the_nearest_convention(
    name: str, model: ParametersBody, expected: list[tuple[str, str, str | None]]
) -> None:
    """Rounded or cut off; active figures without a letter; nothing where nothing fits."""
    assert [(one.said, one.quantity, one.counts) for one in vendor_figures(name, "the name", model)] == expected
