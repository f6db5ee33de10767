"""Bodies that are changed by bytes, against Python's own JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.gateway.request.ask import read_ask
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.request.endpoints import ENDPOINTS
from weighbridge.gateway.request.splice import spliced, top_level

CHAT = ENDPOINTS["/v1/chat/completions"]
KEYS = st.one_of(st.sampled_from(["model", "mod", "{", '"', "\\", "stream", "é", "a,b", "]"]), st.text(max_size=5))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(['"model":"x"', "}", "\\", "\\\\", "qwen"])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
OPTIONS = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["x", "include_usage", "}"]), st.one_of(st.none(), st.just({"y": 1}), st.booleans())
    ),
)


def written(fields: dict[str, Any], *, spaced: bool, plain: bool) -> bytes:
    """Write JSON in one of four styles."""
    separators = (" ,\n ", "\t: ") if spaced else (",", ":")
    return json.dumps(fields, ensure_ascii=plain, separators=separators).encode("utf-8", "replace")


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(KEYS.filter(lambda key: key not in {"stream", "model"}), VALUES, max_size=5),
    st.dictionaries(TEXT, VALUES, max_size=2),
    OPTIONS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_only_the_name_and_the_wish_change(
    before: dict[str, Any], after: dict[str, Any], options: Any, spaced: bool, plain: bool, with_options: bool
) -> None:
    """Whatever stands around it, the parsed body differs in `model` and `include_usage` alone."""
    after = {key: value for key, value in after.items() if key not in {"stream", "model", "n", "stream_options"}}
    fields = {**before, "model": "qwen", **after, "stream": True}
    if with_options:
        fields["stream_options"] = options
    body = written(fields, spaced=spaced, plain=plain)
    ask = read_ask(CHAT, body, Bounds())
    expected = {
        **json.loads(body),
        "model": 'up/é"',
        "stream_options": {**(options if with_options and options else {}), "include_usage": True},
    }
    assert json.loads(spliced(ask, 'up/é"', adds_usage=True)) == expected
    assert spliced(ask, "qwen", adds_usage=False) == body


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans(), st.booleans())
def test_every_value_is_found_where_it_stands(fields: dict[str, Any], spaced: bool, plain: bool) -> None:
    """The scanner's spans hold the values that the parser reads."""
    body = written(fields, spaced=spaced, plain=plain)
    found = {key: json.loads(body[start:end]) for key, (start, end) in top_level(body).items()}
    assert found == json.loads(body)
