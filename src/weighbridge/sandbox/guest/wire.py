"""Values as JSON text between the two rooms: plain data crosses whole, everything else stays where it lives.

A message is `{"heap": [...], "roots": [...]}`. Mutable containers stand in the heap and are referred to by index,
so that sharing and circles survive, and a change made by the callee can be written back into the caller's objects.
The bench decodes data only: never code, never a class of the other room.
"""

from __future__ import annotations

import array
import base64
import collections
import datetime as dt
import decimal
import fractions
import importlib
import pathlib
import re
import sys
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PLAIN", "Uncrossable", "Wire", "data_base", "plain"]

_PLAIN_BITS = 8192  # longer integers cross in hexadecimal: decimal digits are limited, and slow
_AS_IT_IS = (bool, str, float)
_NUMERIC = "biufc"  # kinds of NumPy types that are data


class Uncrossable(TypeError):
    """A value of the tests that has no form in the other room."""


def _fill_list(shell: Any, items: list[Any]) -> None:
    shell[:] = items


def _fill_set(shell: Any, items: list[Any]) -> None:
    shell.clear()
    shell.update(items)


def _fill_deque(shell: Any, items: list[Any]) -> None:
    shell.clear()
    shell.extend(items)


def _fill_defaultdict(shell: Any, items: list[Any]) -> None:
    shell.default_factory = items[0]
    _fill_dict(shell, items[1:])


def _fill_dict(shell: Any, items: list[Any]) -> None:
    shell.clear()
    for key, value in zip(items[::2], items[1::2], strict=True):
        dict.__setitem__(shell, key, value)


_Fill = tuple["Callable[[], Any]", "Callable[[Any, list[Any]], None]"]
_SHELLS: dict[str, _Fill] = {
    "list": (list, _fill_list),
    "dict": (dict, _fill_dict),
    "set": (set, _fill_set),
    "deque": (collections.deque, _fill_deque),
    "Counter": (collections.Counter, _fill_dict),
    "OrderedDict": (collections.OrderedDict, _fill_dict),
    "defaultdict": (collections.defaultdict, _fill_defaultdict),
    "bytearray": (bytearray, _fill_list),
}
_TO_ITEMS: dict[type, Callable[[Any], Iterable[Any]]] = {
    tuple: iter,
    frozenset: iter,
    range: lambda one: (one.start, one.stop, one.step),
    slice: lambda one: (one.start, one.stop, one.step),
    complex: lambda one: (one.real, one.imag),
    type({}.keys()): iter,
    type({}.values()): iter,
    type({}.items()): iter,
    re.Pattern: lambda one: (one.pattern, one.flags),
    dt.timezone: lambda one: (one.utcoffset(None), one.tzname(None)),
    array.array: lambda one: (one.typecode, *one),
}
_FROM_ITEMS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "frozenset": frozenset,
    "range": lambda items: range(*items),
    "slice": lambda items: slice(*items),
    "complex": lambda items: complex(*items),
    "dict_keys": lambda items: dict.fromkeys(items).keys(),
    "dict_values": lambda items: dict(enumerate(items)).values(),
    "dict_items": lambda items: dict(items).items(),
    "Pattern": lambda items: re.compile(*items),
    "timezone": lambda items: dt.timezone(*items),
    "array": lambda items: array.array(items[0], items[1:]),
}
_MICROSECOND = dt.timedelta(microseconds=1)
_TO_TEXT: dict[type, Callable[[Any], str]] = {
    int: hex,
    bytes: lambda one: base64.b64encode(one).decode(),
    decimal.Decimal: str,
    fractions.Fraction: str,
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: lambda one: str(one // _MICROSECOND),
    uuid.UUID: str,
    pathlib.PurePosixPath: str,
    pathlib.PureWindowsPath: str,
    pathlib.PosixPath: str,
    type(...): repr,
    type(NotImplemented): repr,
}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "int": lambda text: int(text, 16),
    "bytes": base64.b64decode,
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda text: int(text) * _MICROSECOND,
    "UUID": uuid.UUID,
    "PurePosixPath": pathlib.PurePosixPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
    "PosixPath": pathlib.PosixPath,
    "ellipsis": lambda _: ...,
    "NotImplementedType": lambda _: NotImplemented,
    "type": lambda name: _TYPES[name],
}
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, range, set, slice, str,
                 tuple, type, type(None), collections.deque, collections.Counter, collections.OrderedDict,
                 collections.defaultdict, decimal.Decimal, fractions.Fraction)
}  # fmt: skip
_NAMES = {kind: name for name, kind in _TYPES.items()}
_BASES = (str, int, float, complex, bytes, bytearray, tuple, list, dict, set, frozenset)
PLAIN = frozenset({type(None), *_NAMES, *_TO_ITEMS, *_TO_TEXT} - {object, type})
"""The types whose values cross whole."""


class Wire:
    """Encodes and decodes for one room.

    `send_other(value)` returns the node of a value that is no data; `take_other(tag, parts)` reads such a node.
    """

    def __init__(self, send_other: Callable[[Wire, Any], Any], take_other: Callable[[Wire, list[Any]], Any]) -> None:
        self.send_other = send_other
        self.take_other = take_other
        self.objects: list[Any] = []
        self._index: dict[int, int] = {}

    def encode(self, roots: list[Any], seeds: list[Any] | None = None) -> dict[str, Any]:
        """Return the message for some values; `seeds` are the objects that the other room has indices of already."""
        self.objects = list(seeds or [])
        self._index = {id(one): index for index, one in enumerate(self.objects)}
        sent = [self.node(root) for root in roots]
        heap = [self._contents(one) for one in self.objects]  # which grows while it is walked
        return {"heap": heap, "roots": sent}

    def decode(self, message: dict[str, Any], seeds: list[Any] | None = None) -> list[Any]:
        """Return the values of a message; an object of `seeds` takes on its new contents, None says "unchanged"."""
        heap = message["heap"]
        self.objects = list(seeds or [])
        self.objects += [_shell(contents[0]) for contents in heap[len(self.objects) :]]
        for one, contents in zip(self.objects, heap, strict=True):
            if contents is not None:
                _SHELLS[contents[0].partition(":")[0]][1](one, [self.value(node) for node in contents[1:]])
        return [self.value(node) for node in message["roots"]]

    def node(self, value: Any) -> Any:
        """Return the JSON form of one value."""
        kind = type(value)
        if value is None or kind in _AS_IT_IS or (kind is int and value.bit_length() <= _PLAIN_BITS):
            return value
        if kind in _NAMES and kind.__name__ in _SHELLS:
            if id(value) not in self._index:
                self._index[id(value)] = len(self.objects)
                self.objects.append(value)
            return ["=", self._index[id(value)]]
        if kind in _TO_ITEMS:
            return [kind.__name__, *map(self.node, _TO_ITEMS[kind](value))]
        if kind in _TO_TEXT:
            return [kind.__name__, _TO_TEXT[kind](value)]
        return self._node_of_other(value)

    def _node_of_other(self, value: Any) -> Any:
        """Return the form of a type, of an array, of the data in a subclass, or of what is no data."""
        if isinstance(value, type) and value in _NAMES:
            return ["type", _NAMES[value]]
        numbers = _array_node(value)
        if numbers is not None:
            return numbers
        return self.send_other(self, value)

    def _contents(self, one: Any) -> list[Any]:
        """Return the heap entry of one mutable container."""
        items = [part for pair in dict.items(one) for part in pair] if isinstance(one, dict) else list(one)
        tag = type(one).__name__
        if isinstance(one, collections.defaultdict):
            items.insert(0, one.default_factory)
        elif isinstance(one, collections.deque) and one.maxlen is not None:
            tag += f":{one.maxlen}"
        return [tag, *map(self.node, items)]

    def value(self, node: Any) -> Any:
        """Return the value of one JSON form; raises ValueError for a form that is none."""
        if type(node) is not list:
            return node
        tag = node[0]
        if tag == "=":
            return self.objects[node[1]]
        if tag in _FROM_ITEMS:
            return _FROM_ITEMS[tag]([self.value(part) for part in node[1:]])
        if tag in _FROM_TEXT:
            return _FROM_TEXT[tag](node[1])
        return _array(*node) if tag in ("ndarray", "scalar") else self.take_other(self, node)


def _shell(tag: str) -> Any:
    """Return an empty container; the one with a parameter is a deque of bounded length."""
    name, _, most = tag.partition(":")
    return collections.deque(maxlen=int(most)) if name == "deque" and most else _SHELLS[name][0]()


def data_base(value: Any) -> type | None:
    """Return the type of data that an object of a subclass is, if it is any."""
    return next((base for base in _BASES if base in type(value).__mro__), None)


def plain(base: type, value: Any) -> Any:
    """Return the data that an object of a subclass holds, by the base's own methods."""
    if base is dict:
        return dict(dict.items(value))
    if base is str:
        return str.__str__(value)
    if base in (int, float, complex):
        return base.__pos__(value)
    if base is bytes:
        return bytes.__add__(value, b"")
    return base(base.__iter__(value))  # type: ignore[attr-defined]


def _array_node(value: Any) -> Any:
    """Return the node of a NumPy array or scalar of plain numbers, else None."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)) or value.dtype.kind not in _NUMERIC:
        return None
    data = base64.b64encode(numpy.ascontiguousarray(value).tobytes()).decode()
    tag = "ndarray" if isinstance(value, numpy.ndarray) else "scalar"
    return [tag, value.dtype.str, list(value.shape), data]


def _array(tag: str, kind: str, shape: list[int], data: str) -> Any:
    """Return the NumPy array or scalar of a node."""
    numpy = importlib.import_module("numpy")
    if numpy.dtype(kind).kind not in _NUMERIC:
        raise ValueError(kind)
    values = numpy.frombuffer(base64.b64decode(data), dtype=kind).reshape(shape)
    return values.copy() if tag == "ndarray" else values[()]
