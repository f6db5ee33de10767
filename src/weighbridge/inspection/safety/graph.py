"""Which operations of a TensorFlow SavedModel run with its signatures, and which only save and restore it.

Source: `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `function.proto`, `saver.proto` of TensorFlow 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.formats.protobuf import Field, Malformed, Steps, fields_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.formats.source import Source

__all__ = ["Reached", "reached_by"]

_MOST_NODES = 200_000
_OLD_SAVER = re.compile(r"(?:.*/)?save(?:_\d+)?/")  # TensorFlow 1 leaves the nodes of earlier savers behind
_START = frozenset({"saved_model_main_op", "legacy_init_op"})  # collections of nodes that run on loading


class Reached(NamedTuple):
    """Operations by what runs them; `loose` are those that nothing runs that the file names."""

    used: frozenset[str]
    saving: frozenset[str]
    restoring: frozenset[str]
    loose: frozenset[str]


class _Node(NamedTuple):
    op: str
    inputs: tuple[str, ...]
    calls: tuple[str, ...]


@dataclass(slots=True)
class _Graph:
    """One meta graph: nodes by name, functions as the operations and functions in them, and where running starts."""

    nodes: dict[str, _Node] = field(default_factory=dict)
    functions: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    saving: set[str] = field(default_factory=set)
    restoring: set[str] = field(default_factory=set)
    count: int = 0


def reached_by(source: Source) -> Reached:
    """Follow every meta graph of a SavedModel; raises Malformed where it is none, or larger than is followed."""
    steps, parts = Steps(), (set[str](), set[str](), set[str](), set[str]())
    for part in fields_of(source, 0, source.size, steps):
        if part.number == 2 and part.is_bytes:  # noqa: PLR2004 - `meta_graphs`
            for every, more in zip(parts, _follow(_read(source, part, steps)), strict=True):
                every.update(more)
    return Reached(*map(frozenset, parts))


def _read(source: Source, part: Field, steps: Steps) -> _Graph:
    graph = _Graph()
    for one in _messages(source, part, steps):
        if one.number == 2:  # noqa: PLR2004 - `graph_def`
            _read_graph(source, one, steps, graph)
        elif one.number == 3:  # noqa: PLR2004 - `saver_def`
            names = {inner.number: text_of(source, inner) for inner in _messages(source, one, steps)}
            graph.saving |= {names.get(2, "")}
            graph.restoring |= {names.get(3, "")}
        elif one.number == 4:  # noqa: PLR2004 - `collection_def`
            key, values = _entry(source, one, steps)
            if key in _START:
                graph.used |= {text_of(source, name) for value in values for lists in _messages(source, value, steps)
                               for name in _messages(source, lists, steps)}  # fmt: skip
        elif one.number == 5:  # noqa: PLR2004 - `signature_def`
            _, values = _entry(source, one, steps)
            graph.used |= {name for value in values for name in _outputs(source, value, steps)}
    return graph


def _outputs(source: Source, signature: Field, steps: Steps) -> Iterator[str]:
    """Yield the names of the tensors that a signature gives: map `outputs`, field `name` of TensorInfo."""
    for entry in _messages(source, signature, steps):
        if entry.number == 2:  # noqa: PLR2004 - `outputs`
            for info in _entry(source, entry, steps)[1]:
                yield from (text_of(source, one) for one in _messages(source, info, steps) if one.number == 1)


def _read_graph(source: Source, part: Field, steps: Steps, graph: _Graph) -> None:
    for one in _messages(source, part, steps):
        if one.number == 1:
            name, node = _node(source, one, steps, graph)
            graph.nodes[name] = node
        elif one.number == 2:  # noqa: PLR2004 - `library`
            for function in _messages(source, one, steps):
                if function.number == 1:
                    _read_function(source, function, steps, graph)


def _read_function(source: Source, part: Field, steps: Steps, graph: _Graph) -> None:
    name, operations, calls = "", set[str](), set[str]()
    for one in _messages(source, part, steps):
        if one.number == 1:
            name = next((text_of(source, inner) for inner in _messages(source, one, steps) if inner.number == 1), "")
        elif one.number == 3:  # noqa: PLR2004 - `node_def`
            _, node = _node(source, one, steps, graph)
            operations.add(node.op)
            calls.update(node.calls)
    graph.functions[name] = operations, calls


def _node(source: Source, part: Field, steps: Steps, graph: _Graph) -> tuple[str, _Node]:
    graph.count += 1
    if graph.count > _MOST_NODES:
        raise Malformed("holds more nodes than are followed")
    name, op = "", ""
    inputs, calls = list[str](), list[str]()
    for one in _messages(source, part, steps):
        if one.number == 1:
            name = text_of(source, one)
        elif one.number == 2:  # noqa: PLR2004 - `op`
            op = text_of(source, one)
        elif one.number == 3:  # noqa: PLR2004 - `input`
            inputs.append(text_of(source, one))
        elif one.number == 5:  # noqa: PLR2004 - `attr`
            for value in _entry(source, one, steps)[1]:
                calls += _functions(source, value, steps)
    return name, _Node(op, tuple(inputs), (op, *calls))


def _functions(source: Source, value: Field, steps: Steps) -> Iterator[str]:
    """Yield the functions that an attribute names: `func` of AttrValue, and those of its list."""
    for one in _messages(source, value, steps):
        if one.number == 10:  # noqa: PLR2004 - `func`
            yield from (text_of(source, inner) for inner in _messages(source, one, steps) if inner.number == 1)
        elif one.number == 1:  # `list`
            for inner in _messages(source, one, steps):
                if inner.number == 9:  # noqa: PLR2004 - `func` of ListValue
                    yield from (text_of(source, name) for name in _messages(source, inner, steps) if name.number == 1)


def _entry(source: Source, part: Field, steps: Steps) -> tuple[str, list[Field]]:
    """Return key and values of an entry of a map."""
    key, values = "", []
    for one in _messages(source, part, steps):
        if one.number == 1:
            key = text_of(source, one)
        else:
            values.append(one)
    return key, values


def _messages(source: Source, part: Field, steps: Steps) -> Iterator[Field]:
    return (one for one in fields_of(source, part.at, part.size, steps) if one.is_bytes)


def _follow(graph: _Graph) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the operations that signatures, saving and restoring reach, and those that nothing reaches."""
    used, seen_used = _reach(graph, graph.used)
    saving, seen_saving = _reach(graph, graph.saving)
    restoring, seen_restoring = _reach(graph, graph.restoring)
    seen = seen_used | seen_saving | seen_restoring
    left = {name for name in graph.nodes if name not in seen and not (saving and _OLD_SAVER.match(name))}
    loose = {graph.nodes[name].op for name in left}
    loose = loose.union(*(inside for name, (inside, _) in graph.functions.items() if f"()\0{name}" not in seen))
    return used, saving, restoring, loose


def _reach(graph: _Graph, starts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the operations that run where these nodes are asked for, and the nodes and functions passed."""
    operations, seen = set[str](), set[str]()
    stack = [name.removeprefix("^").partition(":")[0] for name in starts if name]
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        called: Iterable[str] = ()
        if name.startswith("()\0"):
            inside, called = graph.functions[name[3:]]
            operations |= inside
        elif (node := graph.nodes.get(name)) is not None:
            operations.add(node.op)
            called = node.calls
            stack += [one.removeprefix("^").partition(":")[0] for one in node.inputs]
        stack += [f"()\0{one}" for one in called if one in graph.functions]
    return operations, seen
