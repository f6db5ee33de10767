"""Read a request's body: one reading only, bounded, and nothing in it that steers the gateway."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import jiter

from weighbridge.gateway.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.request.endpoints import Endpoint

__all__ = ["Ask", "read_ask", "refused_fields"]

_LONGEST_NAME = 256
_MARKS = (b"{", b"[", b",")
_SMALL_BYTES, _MOST_VALUES = 256 << 10, 400_000  # 2,000 texts of 100 tokens each; as objects they take some 100 MB
_MOST_OUTPUT = frozenset({"max_completion_tokens", "max_tokens", "max_output_tokens", "n_predict"})
_COUNTED = frozenset({"tools", "functions", "n", "best_of"})
_MOST_TOKENS = 1 << 31
_BYTES_PER_TOKEN = 3
_IMAGE_TOKENS = (
    1600  # OpenAI's dearest tile count at `detail: high`, rounded up; vision models of open weights need fewer
)
_ENCODED = re.compile(rb"data:[a-z0-9.+/-]{1,100};base64,[A-Za-z0-9+/=]*")


class Ask(NamedTuple):
    """A request that was understood; `body` are the caller's bytes, `fields` what they say."""

    endpoint: Endpoint
    body: bytes
    fields: dict[str, Any]
    model: str
    is_stream: bool
    wants_usage: bool
    most_tokens: tuple[int, int]
    user: str = ""


@cache
def refused_fields() -> Mapping[str, str]:
    """Return the fields that no body may hold at its top, and what a caller is told of each (refused.toml)."""
    table = tomllib.loads(files(__package__).joinpath("refused.toml").read_text("utf-8"))
    return {name: row["because"] for row in table["field"] for name in row["names"]}


def read_ask(endpoint: Endpoint, body: bytes, bounds: Bounds) -> Ask:
    """Read a body; raises Refused for what is not one JSON object, is out of bounds, or steers the gateway.

    Equal keys are refused at every depth: two parsers would see two different requests.
    """
    if len(body) > _SMALL_BYTES and sum(map(body.count, _MARKS)) > _MOST_VALUES:
        raise bad_request(f"the body holds more than {_MOST_VALUES} values", "too_many")
    try:
        fields = jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError as error:
        raise bad_request(f"the body cannot be read as JSON: {str(error)[:200]}", "invalid_json") from error
    if not isinstance(fields, dict):
        raise bad_request("the body is not a JSON object", "invalid_json")
    refused = refused_fields()
    if not refused.keys().isdisjoint(fields):
        name = min(refused.keys() & fields.keys())
        raise bad_request(f"the field `{name}` is not taken: {refused[name]}", "field_refused")
    model = fields.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= _LONGEST_NAME:
        raise bad_request("the field `model` must name a model", "model_missing")
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise bad_request("the field `stream_options` is not an object", "invalid_field")
    stream = fields.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise bad_request("the field `stream` is neither true nor false", "invalid_field")
    if fields.get("background"):
        raise bad_request("answers in the background are not kept here", "field_refused")
    listed = fields.get(endpoint.listed)
    _refuse_more(endpoint.listed, listed, bounds.items)
    is_plain = _COUNTED.isdisjoint(fields)
    if not is_plain:
        _refuse_many(fields, bounds)
    user = fields.get("safety_identifier") or fields.get("user") or ""
    return Ask(
        endpoint,
        body,
        fields,
        model,
        is_stream=bool(stream),
        wants_usage=bool(options and options.get("include_usage") is True),
        most_tokens=(_most_input(body, listed), _most_output(endpoint, fields, bounds, is_plain=is_plain)),
        user=user if isinstance(user, str) else "",
    )


def _refuse_many(fields: dict[str, Any], bounds: Bounds) -> None:
    """Refuse more tools or choices than the bounds allow."""
    for name in ("tools", "functions"):
        _refuse_more(name, fields.get(name), bounds.tools)
    for name in ("n", "best_of"):
        count = fields.get(name)
        if count is not None and not (type(count) is int and 0 < count <= bounds.choices):
            raise bad_request(f"the field `{name}` is not a number from 1 to {bounds.choices}", "invalid_field")


def _refuse_more(name: str, items: Any, most: int) -> None:
    """Refuse a field that lists more than so many items."""
    if isinstance(items, list) and len(items) > most:
        raise bad_request(f"the field `{name}` holds {len(items)} items; at most {most} are taken", "too_many")


def _most_input(body: bytes, listed: Any) -> int:
    """Estimate the tokens of a request on the high side: a token for three bytes of JSON, a flat sum for an image.

    English text takes about four bytes a token, Chinese three to five; what was really used is settled afterwards.
    Tokens that are given as numbers take two bytes at least.
    """
    if isinstance(listed, list) and listed and isinstance(listed[0], int | list):
        return len(body) // 2 + 1
    if b";base64," not in body:
        return len(body) // _BYTES_PER_TOKEN + 1
    found = _ENCODED.findall(body)
    text = len(body) - sum(map(len, found))
    return text // _BYTES_PER_TOKEN + 1 + len(found) * _IMAGE_TOKENS


def _most_output(endpoint: Endpoint, fields: dict[str, Any], bounds: Bounds, *, is_plain: bool) -> int:
    """Return the most tokens that a request lets be generated: servers differ in which of several bounds counts.

    A plain request asks for one answer.
    """
    if not endpoint.generates:
        return 0
    most = 0
    for name in _MOST_OUTPUT & fields.keys():
        value = fields[name]
        if value is None:
            continue
        if type(value) is not int or not 0 <= value < _MOST_TOKENS:
            raise bad_request(f"the field `{name}` is not a number of tokens", "invalid_field")
        most = max(most, value)
    most = most or bounds.assumed_output_tokens  # vLLM takes 0 for no bound at all
    if not is_plain:
        most *= max(fields.get("n") or 1, fields.get("best_of") or 1)
    return most if endpoint.listed != "prompt" else most * _prompts(fields)


def _prompts(fields: dict[str, Any]) -> int:
    """Return how many prompts a request holds, each of which is answered: `completions` takes a list of them."""
    prompts = fields.get("prompt")
    is_batch = isinstance(prompts, list) and any(not isinstance(one, int) for one in prompts[:1])
    return len(prompts) if is_batch and prompts else 1
