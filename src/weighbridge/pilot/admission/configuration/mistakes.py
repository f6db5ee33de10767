"""How a mistake in `gateway.toml` is said: file, table and key, and never a value that could be a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.errors import UsageError, did_you_mean
from weighbridge.formats.place import quote
from weighbridge.pilot.admission.configuration.form import FORMS, FileForm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

__all__ = ["refusal", "refuse_secrets", "table_of"]

_SECRET_KEYS = frozenset({
    "key", "api_key", "apikey", "api-key", "token", "secret", "password", "authorization", "bearer", "credential",
    "credentials", "headers", "extra_headers",
})  # fmt: skip
_SECRET = re.compile(  # the vendors' prefixes, and as much behind them as no word has
    r"(?<![A-Za-z0-9])"
    r"(?:(?:sk-|hf_|wb_|gsk_|xai-|ghp_|github_pat_|AIza)[A-Za-z0-9_-]{24}|AKIA[A-Z0-9]{16}|Bearer \S{8})"
)
_VARIABLE = 'put it into an environment variable, and name that: `key_env = "VLLM_KEY"`'
_DEPTH = 16


def refuse_secrets(tables: dict[str, Any], place: str) -> None:
    """Raise UsageError where a table holds a key, by its name or by how it looks; the value is not repeated."""
    for loc, value in _leaves(tables, ()):
        name = str(loc[-1]).lower()
        if name in _SECRET_KEYS or (isinstance(value, str) and _SECRET.search(value)):
            where, key = table_of(loc, tables, place)
            raise UsageError(f"{where}: `{key}` holds a secret, or a place for one", hint=_VARIABLE)


def refusal(error: ValidationError, tables: dict[str, Any], place: str) -> UsageError:
    """Turn the first mistake that pydantic found into one sentence with its place; unknown keys come first."""
    first: Any = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    where, key = table_of(first["loc"], tables, place)
    match first["type"]:
        case "extra_forbidden":
            tables_above = [part for part in first["loc"][:-1] if isinstance(part, str)]
            form = FORMS.get(tables_above[-1], FileForm) if tables_above else FileForm
            known = ", ".join(f"`{name}`" for name in form.model_fields)
            return UsageError(
                f"{where}: key `{key}` is not known", hint=did_you_mean(key, form.model_fields) or f"known: {known}"
            )
        case "missing":
            return UsageError(f"{where}: key `{key}` is missing", hint=_HINTS.get(key))
        case "string_pattern_mismatch":
            return UsageError(f"{where}: key `{key}` is not written as it should be", hint=_HINTS.get(key))
        case "model_type" | "model_attributes_type" | "list_type":
            return UsageError(f"{where}: `{key}` is not written as such a table or list", hint=_HINTS.get(key))
    hint = _HINTS.get(key.partition("[")[0])  # an entry of a list: as for all of them
    for name, words in _BOUNDS.items():
        if name in first.get("ctx", {}):
            return UsageError(f"{where}: key `{key}` {words} {first['ctx'][name]:g}", hint=hint)
    message = first["msg"].replace("'", "`")
    return UsageError(f"{where}: key `{key}`: {message[:1].lower()}{message[1:]}", hint=hint)


def table_of(loc: tuple[Any, ...], tables: dict[str, Any], place: str) -> tuple[str, str]:
    """Split a location into words for file and table, and the key in it."""
    *above, key = loc
    if isinstance(key, int) and above:  # an entry of a list: its list is the key
        above, key = above[:-1], f"{above[-1]}[{key + 1}]"
    names = [part for part in above if isinstance(part, str)]
    words = f"`{place}`"
    number = next((part for part in above if isinstance(part, int)), None)
    if names[:1] == ["route"] and number is not None:
        entry = tables["route"][number]
        name = entry.get("name") if isinstance(entry, dict) else None
        words += f", route {number + 1}" + (f" ({quote(name, 60)})" if isinstance(name, str) else "")
        numbers = [part for part in above if isinstance(part, int)]
        if len(names) > 1:
            nth = f" {numbers[1] + 1}" if len(numbers) > 1 else ""
            words += f", `{'.'.join(names)}`{nth}"
    elif names:
        words += f", `[{'.'.join(names)}]`"
    return words, quote(str(key), 60)[1:-1]


def _leaves(value: Any, loc: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every value that is no table or list, with where it stands."""
    if len(loc) > _DEPTH:
        return
    if isinstance(value, dict):
        for name, one in value.items():
            if str(name).lower() in _SECRET_KEYS:
                yield (*loc, name), None
            yield from _leaves(one, (*loc, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _leaves(one, (*loc, number))
    elif loc:
        yield loc, value


_BOUNDS = {
    "le": "must be at most",
    "lt": "must be less than",
    "ge": "must be at least",
    "gt": "must be more than",
    "min_length": "is shorter than it may be: the least length is",
    "max_length": "is longer than it may be: the greatest length is",
}
"""What pydantic calls a bound, in words."""

_HINTS = {
    "route": "begin one with a line `[[route]]`",
    "upstream": 'say where the model answers: `upstream = { url = "http://127.0.0.1:8000/v1", model = "name" }`',
    "decision": "12 hex digits or more of a decision's id, as `weighbridge evidence list` shows them, or `latest`",
    "fingerprint": "the id of an `endpoint/v1` statement, which `weighbridge engine` makes, or `weighed`",
    "key_env": "the name of an environment variable in capitals, never the key itself",
    "name": "letters, digits and `. _ : / @ -`, as callers will write it",
    "listen": "as in `127.0.0.1:8080`",
    "share": "a share of all, from 0 to 1: 0.1 is 10%",
    "steps": "shares that rise, each from 0 to 1: `steps = [0.1, 0.5, 1]` is 10%, half, all",
    "margin": "a share: 0.03 is 3 points",
    "alpha": "a chance: 0.05 is 5%",
    "unverified_until": "a date without quotes, as in `2026-12-31`",
}
