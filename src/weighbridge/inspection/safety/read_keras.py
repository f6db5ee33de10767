"""Keras models: the configuration in HDF5, in a `.keras` archive or in JSON alone, and the code that it names."""

from __future__ import annotations

import builtins
import json
import re
import sys
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence, Effect, Severity
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.safety.report import FilePart, Report

__all__ = ["CHECK", "read_config", "read_hdf5", "search"]

CHECK = "keras-code"
_BEGIN = re.compile(rb'\{\s*"(?:module|class_name|name|config)"\s*:')
_CLASS = re.compile(rb'"class_name"\s*:\s*"(Lambda|__lambda__|TorchModuleWrapper|TFSMLayer)"')
_MOST_READ = 64 << 20
_MOST_NODES = 200_000
_LONGEST_CONFIG = 8 << 20
_MOST_TRIED = 64
_BUILT_IN = frozenset(dir(builtins))


def read_hdf5(part: FilePart, report: Report) -> None:
    """Search an HDF5 file for Keras configurations: attributes are stored as they are, never compressed."""
    search(part, report)
    report.read(CHECK)


def search(part: FilePart, report: Report) -> None:
    """Judge the configurations that lie as JSON in any bytes; behind 64 MiB, and in damaged JSON, by names."""
    source, at, tried = part.source, 0, 0
    while at < source.size and at < _MOST_READ and tried < _MOST_TRIED:
        chunk = source.read(at, _LONGEST_CONFIG)
        found = _BEGIN.search(chunk)
        if found is None:
            at += _LONGEST_CONFIG - 64
            continue
        tried += 1
        at += found.start()
        config, length = _object(source.read(at, _LONGEST_CONFIG))
        if config is None:
            at += 1
            continue
        _judge(part, config, report)
        at += length
    if not any(one.check == CHECK for one in report.findings) and (named := _by_text(part)):
        _note_class(part, named, report)


def read_config(part: FilePart, data: bytes, report: Report) -> None:
    """Judge a configuration in JSON; one that is no JSON is searched for the names of layers that hold code."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        if found := _CLASS.search(data):
            _note_class(part, found[1].decode(), report)
    else:
        _judge(part, config, report)
    report.read(CHECK, settles=False)


def _object(data: bytes) -> tuple[Any, int]:
    """Return the JSON object at the beginning of some bytes and its length; None where there is none."""
    text = data.decode("latin-1")
    try:
        return json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, 0


def _by_text(part: FilePart) -> str:
    """Return a class that holds code and is named in the bytes, where no configuration could be parsed."""
    for at in range(0, part.source.size, _LONGEST_CONFIG):
        if found := _CLASS.search(part.source.read(at, _LONGEST_CONFIG + 256)):
            return found[1].decode()
    return ""


def _judge(part: FilePart, config: Any, report: Report) -> None:
    """Report every class and function of a configuration that holds, fetches or is code."""
    tables = _tables()
    for node in _nodes(config):
        name, module = node.get("class_name"), node.get("module")
        if not isinstance(name, str):
            continue
        inner = node.get("config")
        called = inner if isinstance(inner, str) else name
        root = module.partition(".")[0] if isinstance(module, str) else "keras"
        if name in tables["runs"]:
            _note_class(part, name, report)
        elif root == "keras" and called in tables["functions"]:
            message = f"calls {quote(f'{module}.{called}')}, which {tables['functions'][called]}"
            report.note(CHECK, message, Effect.RUNS_CODE, Severity.CRITICAL, part=part)
        elif root == "builtins" and name == "function" and called in _BUILT_IN:
            message = f"names the built-in function {quote(called)}"
            report.note(CHECK, message, Effect.RUNS_CODE, Severity.HIGH, part=part)
        elif root not in tables["known"]["packages"]:
            is_standard = root in sys.stdlib_module_names
            effect, severity = (
                (Effect.RUNS_CODE, Severity.CRITICAL) if is_standard else (Effect.ASKS_TRUST, Severity.MEDIUM)
            )
            message = f"names {quote(f'{module}.{called}')}, which is no part of Keras"
            report.note(CHECK, message, effect, severity, part=part)


def _note_class(part: FilePart, name: str, report: Report) -> None:
    message = f"has a {quote(name)} layer, which {_tables()['runs'][name]}"
    report.note(CHECK, message, Effect.RUNS_CODE, Severity.HIGH, part=part, confidence=Confidence.HIGH)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a JSON value, without recursion and at most so many."""
    left, rest = _MOST_NODES, [value]
    while rest and left:
        left -= 1
        item = rest.pop()
        if isinstance(item, dict):
            yield item
            rest.extend(item.values())
        elif isinstance(item, list):
            rest.extend(item)


@cache
def _tables() -> dict[str, Any]:
    text = resources.files("weighbridge.inspection.safety").joinpath("keras.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
