"""Hostile configs: no crash, and never a figure that junk has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.formats.tensor import MAX_ELEMENTS
from weighbridge.inspection.anatomy.build import Refusal, structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import Scheme, scheme_of

_REFERENCE = Path(__file__).parents[1] / "unit" / "inspection" / "anatomy" / "reference"
_CONFIGS: list[dict[str, Any]] = [
    case["config"]
    for path in sorted(_REFERENCE.glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"][::7]
]
_FLAT = [config for config in _CONFIGS if any(type(value) is int for value in config.values())]
_JUNK = st.one_of(
    st.just("4096"), st.just([]), st.just([[1]]), st.just({}), st.just({"a": 1}), st.just(-1), st.just(-4096),
    st.just(0.5), st.just(float("1e300")), st.just(10**40), st.just(2**63), st.just([4096] * 3), st.just("\x00"),
    st.lists(st.integers(), max_size=4), st.text(max_size=8),
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _figures(outcome: Structure | Refusal) -> tuple[object, ...] | None:
    if isinstance(outcome, Refusal):
        return None
    cached = outcome.cache_elements(8192), outcome.cache_elements(131_072), outcome.state_elements
    return outcome.total, outcome.text_total, outcome.active(), cached


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_junk_in_a_field_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    """A number written as text, a list, a negative or a giant number where a count belongs never gives a new figure."""
    config = data.draw(st.sampled_from(_FLAT))
    numbers = [key for key, value in config.items() if type(value) is int]
    key = data.draw(st.sampled_from(numbers))
    broken, sound = _figures(structure_of({**config, key: data.draw(_JUNK)})), _figures(structure_of(config))
    if broken is not None and sound is not None:
        assert broken[1:] == sound[1:], key
        assert broken[0] in {None, sound[0]}, key  # the part that sees may be refused alone


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_value_anywhere_ends_in_a_structure_or_a_refusal(data: st.DataObject) -> None:
    """Nested junk too; what comes out has counts that JSON can hold and bytes that can be summed."""
    config = data.draw(st.sampled_from(_CONFIGS))
    key = data.draw(st.sampled_from([*config, "quantization_config", "text_config", "vision_config", "layer_types"]))
    broken = {**config, key: data.draw(_VALUES)}
    outcome = structure_of(broken)
    scheme = scheme_of(broken)
    if isinstance(outcome, Structure):
        assert 0 < outcome.text_total <= MAX_ELEMENTS
        assert all(count <= outcome.text_total for count in outcome.active())
        if isinstance(scheme, Scheme):
            assert weight_bytes(outcome, scheme).n_bytes >= 0


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["model_type", "hidden_size", "num_hidden_layers", "text_config"]), _VALUES))
def test_a_config_of_junk_is_refused(config: dict[str, Any]) -> None:
    """Without the numbers that make a model there is no model."""
    assert isinstance(structure_of(config), Refusal)


def test_many_layers_and_experts_are_refused_before_they_are_built() -> None:
    """A claim of a billion layers costs no memory."""
    llama = next(config for config in _CONFIGS if config["model_type"] == "llama")
    outcome = structure_of({**llama, "num_hidden_layers": 10**9})
    assert isinstance(outcome, Refusal)
    assert "num_hidden_layers" in outcome.reason
