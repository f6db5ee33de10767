"""The form of values between the rooms, without rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.sandbox.guest.wire import Uncrossable, Wire


def _send(_wire: Wire, value: Any) -> Any:
    raise Uncrossable(type(value).__name__)


def _take(_wire: Wire, node: Any) -> Any:
    raise ValueError(node[0])


def crossed(*values: Any) -> list[Any]:
    """Return values as they come out on the other side."""
    return Wire(_send, _take).decode(json.loads(json.dumps(Wire(_send, _take).encode(list(values)))))


_LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.fractions()
)
_HASHABLE = st.recursive(_LEAF, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=1), max_leaves=6)
_DATA = st.recursive(
    _HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_HASHABLE, inner, max_size=4) | st.sets(_HASHABLE, max_size=1)
    ),
    max_leaves=12,
)


@given(_DATA)
def test_data_crosses_equal_and_of_the_same_type(value: Any) -> None:
    """Whatever is data arrives as it left; sent again, it makes the same message, sign of zero and order too."""
    (arrived,) = crossed(value)
    assert arrived == value
    assert type(arrived) is type(value)
    assert json.dumps(Wire(_send, _take).encode([arrived])) == json.dumps(Wire(_send, _take).encode([value]))


def test_nothing_but_data_crosses() -> None:
    """An object of a class is for the rooms to handle, and a form that is unknown is refused."""
    with pytest.raises(Uncrossable):
        crossed(object())
    for node in (["foreign", 1], ["function", "", []], ["named", "os", "system"], ["module", "os"]):
        with pytest.raises(ValueError, match=str(node[0])):
            Wire(_send, _take).decode({"heap": [], "roots": [node]})


@pytest.mark.parametrize(
    "message",
    [
        {"heap": [], "roots": [["=", 0]]},
        {"heap": [["os.system", 1]], "roots": []},
        {"heap": [["list", ["=", 7]]], "roots": []},
        {"heap": [["dict", 1]], "roots": []},
        {"heap": [None], "roots": []},
        {"heap": [["set", ["=", 0]]], "roots": [["=", 0]]},
        {"heap": [], "roots": [["type", "Popen"]]},
        {"heap": [], "roots": [["int", "0x" + "g"]]},
        {"heap": [], "roots": [["Decimal", [1]]]},
    ],
)  # fmt: skip
def test_a_message_that_lies_is_an_error(message: Any) -> None:
    """A hostile room can send anything; nothing of it is more than an exception in the tests."""
    with pytest.raises((LookupError, TypeError, ValueError, ArithmeticError)):
        Wire(_send, _take).decode(message)
