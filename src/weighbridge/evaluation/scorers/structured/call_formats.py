"""Calls written as text, as chat templates have models write them; read where the server did not.

Sources: the tool parsers of vLLM (vllm/tool_parsers) and the chat templates of the models named in `_STYLES`.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.scorers.structured.json_values import NotJson, read_json, unfenced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Call", "Malformed", "read_calls"]

_MAX_CHARACTERS = 200_000
_MAX_PYTHON = 20_000  # Python's own parser reads pythonic calls
_NAME = r"[A-Za-z_][\w.\-]{0,127}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the function's name and its arguments as JSON values."""

    name: str
    arguments: dict[str, Any]


class Malformed(ValueError):
    """A call was begun and cannot be read."""


def read_calls(text: str, types: Mapping[str, Mapping[str, str]]) -> tuple[list[Call], str]:
    """Return the calls of a text and the style they are written in; ([], "") where the text calls nothing.

    `types` are the JSON types of parameters by function: XML styles write every value as text. Raises Malformed.
    """
    text = text[:_MAX_CHARACTERS]
    for name, mark, read in _STYLES:
        if mark in text:
            calls = list(read(text[text.index(mark) :], types))
            if not calls:
                raise Malformed(f"`{mark}` without a call")
            return calls, name
    bare, _ = unfenced(text)
    for name, attempt in (("JSON", _bare_json), ("Python", _pythonic)):
        if found := attempt(bare.strip()):
            return found, name
    return [], ""


def _from_json(value: Any) -> Call:
    """Read `{"name": ..., "arguments" or "parameters": {...}}`; arguments may be JSON text again."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise Malformed("no name")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _json(arguments.strip() or "{}")
    if not isinstance(arguments, dict):
        raise Malformed("arguments are no object")
    return Call(value["name"], arguments)


def _json(text: str) -> Any:
    """Read JSON; raises Malformed."""
    try:
        return read_json(text)
    except NotJson as error:
        raise Malformed(str(error)) from error


def _list(text: str) -> list[Call]:
    """Read one call or a list of calls."""
    value = _json(text)
    return [_from_json(one) for one in (value if isinstance(value, list) else [value])]


def _typed(text: str, name: str, function: str, types: Mapping[str, Mapping[str, str]]) -> Any:
    """Read a value that stands as text by the type of its parameter; a type that is not known is JSON if it can be."""
    kind = types.get(function, {}).get(name, "")
    if kind == "string":
        return text
    try:
        return read_json(text.strip())
    except NotJson:
        return text


def _pieces(text: str, start: str, end: str) -> list[str]:
    """Return what stands between marks, in their order; the last may lack its end."""
    return [piece.split(end, 1)[0] for piece in text.split(start)[1:]]


def _tagged(text: str, types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read `<tool_call>` blocks: JSON (Hermes, Qwen), `<function=` (Qwen3-Coder) or `<arg_key>` (GLM-4.5) inside."""
    for piece in _pieces(text, "<tool_call>", "</tool_call>"):
        inside = piece.strip()
        if "<function=" in inside:
            yield from _functions(inside, types)
        elif inside.startswith("{"):
            yield _from_json(_json(inside))
        else:
            name = re.match(_NAME, inside)
            if name is None:
                raise Malformed("no name")
            keys = _pieces(inside, "<arg_key>", "</arg_key>")
            values = _pieces(inside, "<arg_value>", "</arg_value>")
            if len(keys) != len(values):
                raise Malformed("keys without values")
            pairs = [(key.strip(), value) for key, value in zip(keys, values, strict=True)]
            yield Call(name[0], {key: _typed(value, key, name[0], types) for key, value in pairs})


def _functions(text: str, types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read `<function=NAME>` blocks with `<parameter=KEY>` inside, or JSON (Llama 3.1)."""
    for piece in _pieces(text, "<function=", "</function>"):
        name, bracket, inside = piece.partition(">")
        if not bracket or not re.fullmatch(_NAME, name.strip()):
            raise Malformed("no name")
        if inside.strip().startswith("{"):
            yield _from_json({"name": name.strip(), "arguments": _json(inside.strip())})
            continue
        arguments = {}
        for parameter in _pieces(inside, "<parameter=", "</parameter>"):
            key, _, value = parameter.partition(">")
            value = value.removeprefix("\n").removesuffix("\n")
            arguments[key.strip()] = _typed(value, key.strip(), name.strip(), types)
        yield Call(name.strip(), arguments)


def _invoked(text: str, types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read `<invoke name=...>` blocks with `<parameter name=...>` inside (DeepSeek V3.2 with its DSML, MiniMax M2)."""
    plain = text.replace("\uff5cDSML\uff5c", "")
    for piece in _pieces(plain, "<invoke name=", "</invoke>"):
        head, _, inside = piece.partition(">")
        name = head.strip().strip("\"'")
        arguments = {}
        for parameter in _pieces(inside, "<parameter name=", "</parameter>"):
            head, _, value = parameter.partition(">")
            key = head.split(" ", 1)[0].strip("\"'")
            if 'string="true"' in head:
                arguments[key] = value
            else:
                arguments[key] = _json(value) if 'string="false"' in head else _typed(value, key, name, types)
        yield Call(name, arguments)


def _mistral(text: str, _types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read `[TOOL_CALLS] [...]`, or `[TOOL_CALLS]name[ARGS]{...}` for each call (Mistral)."""
    for piece in text.split("[TOOL_CALLS]")[1:]:
        name, mark, arguments = piece.partition("[ARGS]")
        if mark:
            yield _from_json({"name": name.split("[CALL_ID]")[0].strip(), "arguments": arguments})
        elif piece.strip().startswith(("[", "{")):
            yield from _list(piece.strip().removesuffix("</s>"))
        else:
            name, brace, arguments = piece.partition("{")
            yield _from_json({"name": name.strip(), "arguments": brace + arguments})


def _deepseek(text: str, _types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read DeepSeek V3 and R1 (`function<sep>name`, JSON in a fence), and V3.1 (`name<sep>JSON`)."""
    for piece in _pieces(text, "<\uff5ctool\u2581call\u2581begin\uff5c>", "<\uff5ctool\u2581call\u2581end\uff5c>"):
        name, _, arguments = piece.partition("<\uff5ctool\u2581sep\uff5c>")
        if name.strip() == "function":
            name, _, arguments = arguments.partition("\n")
        yield _from_json({"name": name.strip(), "arguments": unfenced(arguments)[0]})


def _kimi(text: str, _types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read Kimi K2: `functions.NAME:0`, then JSON."""
    for piece in _pieces(text, "<|tool_call_begin|>", "<|tool_call_end|>"):
        name, _, arguments = piece.partition("<|tool_call_argument_begin|>")
        plain = re.sub(r":\d{1,4}$", "", name.strip().removeprefix("functions."))
        yield _from_json({"name": plain, "arguments": arguments})


def _harmony(text: str, _types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """Read gpt-oss: `to=functions.NAME`, then JSON behind `<|message|>`."""
    for piece in _pieces(text, "to=functions.", "<|call|>"):
        name, _, arguments = piece.partition("<|message|>")
        yield _from_json({"name": re.split(r"[\s<]", name, maxsplit=1)[0], "arguments": arguments})


def _listed(mark: str, end: str = "") -> Callable[[str, Mapping[str, Mapping[str, str]]], Iterator[Call]]:
    """Return a reader of a JSON list, or of Python calls, behind a mark."""

    def read(text: str, _types: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
        inside = text[len(mark) :].split(end, 1)[0] if end else text[len(mark) :]
        inside = inside.removesuffix("<|eom_id|>").removesuffix("<|eot_id|>").strip()
        yield from _pythonic(inside) or _several(inside)

    return read


def _several(text: str) -> list[Call]:
    """Read one JSON call, a list of them, or several with semicolons or line ends between."""
    try:
        return _list(text)
    except Malformed:
        parts = [part for part in re.split(r"(?<=\})\s{0,16}[;\n]\s{0,16}(?=\{)", text) if part.strip()]
        if len(parts) < 2:  # noqa: PLR2004 - one part failed already
            raise
        return [call for part in parts for call in _list(part)]


def _bare_json(text: str) -> list[Call]:
    """Read a text that is nothing but calls in JSON; [] where it is anything else."""
    if not text.startswith(("{", "[")) or '"name"' not in text:
        return []
    try:
        return _several(text)
    except Malformed:
        return []


def _pythonic(text: str) -> list[Call]:
    """Read `[f(a=1), g(b="x")]` (Llama 3.2 and 4, LFM2), keyword literals only; [] where it is anything else."""
    if not text.startswith("[") or not text.endswith(")]") or len(text) > _MAX_PYTHON:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a model wrote, nobody wants to be warned
            tree = ast.parse(text, mode="eval").body
        return [_python_call(node) for node in tree.elts] if isinstance(tree, ast.List) else []
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return []


def _python_call(node: ast.expr) -> Call:
    """Read one call of a name with keyword literals that are JSON values; raises ValueError or TypeError."""
    if not isinstance(node, ast.Call) or node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError
    if not isinstance(node.func, ast.Name | ast.Attribute):
        raise TypeError
    arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    return Call(ast.unparse(node.func), json.loads(json.dumps(arguments, allow_nan=False)))


_STYLES: tuple[tuple[str, str, Callable[[str, Mapping[str, Mapping[str, str]]], Iterator[Call]]], ...] = (
    ("DeepSeek V3", "<\uff5ctool\u2581call\u2581begin\uff5c>", _deepseek),
    ("DeepSeek V3.2", "<\uff5cDSML\uff5cinvoke name=", _invoked),
    ("MiniMax M2", "<invoke name=", _invoked),
    ("Kimi K2", "<|tool_call_begin|>", _kimi),
    ("gpt-oss", "to=functions.", _harmony),
    ("Hermes, Qwen or GLM", "<tool_call>", _tagged),
    ("Qwen3-Coder or Llama 3.1", "<function=", _functions),
    ("Mistral", "[TOOL_CALLS]", _mistral),
    ("LFM2", "<|tool_call_start|>", _listed("<|tool_call_start|>", "<|tool_call_end|>")),
    ("Granite 3", "<|tool_call|>", _listed("<|tool_call|>")),
    ("Llama 3.1", "<|python_tag|>", _listed("<|python_tag|>")),
    ("Phi-4-mini", "functools[", _listed("functools")),
)
