"""Canonical JSON: the fast way and the reference implementation agree byte by byte."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.digest import canonical

_LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text()
_VALUES = st.recursive(_LEAVES, lambda child: st.lists(child) | st.dictionaries(st.text(), child), max_leaves=30)


@settings(deadline=None)
@given(_VALUES)
def test_it_is_what_rfc8785_writes(value: Any) -> None:
    """Whatever the value, the bytes are those of the package rfc8785; what it refuses is refused."""
    try:
        expected = rfc8785.dumps(value)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            canonical(value)
    else:
        assert canonical(value) == expected


@pytest.mark.parametrize("value", [1.0, 1e-7, 1e16, 123456.789, -0.0, 1e21, 5e-324, {"\ue000": 1, "\U00010000": 2}])
def test_numbers_and_keys_that_python_writes_otherwise(value: Any) -> None:
    """Whole floats, exponents and keys beyond the basic plane are where the two could differ."""
    assert canonical(value) == rfc8785.dumps(value)
