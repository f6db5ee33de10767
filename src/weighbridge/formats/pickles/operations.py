"""What each opcode of protocols 0 to 5 does to the simulated machine; source: `pickle._Unpickler` of CPython 3.11."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from weighbridge.formats.pickles.joblib_arrays import WRAPPER, pass_array
from weighbridge.formats.pickles.literals import of_int_line, of_string_line, of_unicode_line, short_bytes
from weighbridge.formats.pickles.values import UNKNOWN, Data, Items, Made, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.pickles.machine import Machine

__all__ = ["OPERATIONS", "STOP"]

_KEPT_ITEMS = 16
_KEPT_TEXT = 512
_LONGEST_LINE = 1 << 16


def _number(form: str) -> Callable[[Machine], Any]:
    size, unpack = struct.calcsize(form), struct.Struct(form).unpack
    return lambda m: unpack(m.reader.take(size))[0]


_u1, _u2, _u4, _u8, _i4, _f8 = map(_number, ("B", "<H", "<I", "<Q", "<i", ">d"))


def _pushes(value: Any) -> Callable[[Machine], None]:
    return lambda m: m.push(value)


def _pushes_read(read: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    return lambda m: m.push(read(m))


def _new_items(kind: str) -> Callable[[Machine], None]:
    return lambda m: m.push(Items(kind))


def _text(length: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        size = length(m)
        if size > _KEPT_TEXT:
            m.push(Data(m.reader.skip(size), size, "utf-8"))
        else:
            m.push(m.keep_text(m.reader.take(size)))

    return operation


def _bytes(length: Callable[[Machine], int], *, is_text: bool = False) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        size = length(m)
        if size < 0:
            raise ValueError
        if is_text and size <= _KEPT_TEXT:
            m.push(m.keep_text(m.reader.take(size), "latin-1"))
        else:
            at = m.reader.skip(size)
            m.push(short_bytes(m.reader.source, Data(at, size), m.bounds))

    return operation


def _add(m: Machine, target: Any, pairs: list[Any], *, is_pairs: bool) -> None:
    """Append items, or set pairs of key and value, on what may be a container, an object or a name."""
    if isinstance(target, Name):
        m.use("change", target, tuple(pairs[:_KEPT_ITEMS]))
    if not isinstance(target, Items):
        return
    if m.bounds.items <= 0:
        target.count += len(pairs) // 2 if is_pairs else len(pairs)
        return
    if is_pairs:
        target.count += len(pairs) // 2
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            if isinstance(key, str) and len(target.first) < _KEPT_ITEMS:
                target.first[key] = value
                m.bounds.items -= 1
    else:
        for item in pairs[: max(0, _KEPT_ITEMS - target.count)]:
            target.first[len(target.first)] = item
            m.bounds.items -= 1
        target.count += len(pairs)


def _adds(count: int, *, is_pairs: bool) -> Callable[[Machine], None]:
    """Return the operation for APPEND, SETITEM (`count` values) or, with 0, for what lies above the mark."""

    def operation(m: Machine) -> None:
        items = m.to_mark() if not count else [m.stack.pop() for _ in range(count)][::-1]
        _add(m, m.stack[-1], items, is_pairs=is_pairs)

    return operation


def _tuple(count: int) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        m.push_tuple([m.stack.pop() for _ in range(count)][::-1])

    return operation


def _marked_tuple(m: Machine) -> None:
    m.push_tuple(m.to_mark()[:_KEPT_ITEMS])


def _marked_items(kind: str, *, is_pairs: bool) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        items, made = m.to_mark(), Items(kind)
        _add(m, made, items, is_pairs=is_pairs)
        m.push(made)

    return operation


def _mark(m: Machine) -> None:
    m.marks.append(m.stack)
    m.stack = []
    m.grow()


def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.to_mark()


def _pop_mark(m: Machine) -> None:
    m.to_mark()


def _dup(m: Machine) -> None:
    m.push(m.stack[-1])


def _get(read: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        index = read(m)
        if index not in m.memo and index >= 0 and not m.forgotten:
            raise IndexError
        m.push(m.memo.get(index, UNKNOWN))

    return operation


def _put(read: Callable[[Machine], int]) -> Callable[[Machine], None]:
    return lambda m: m.remember(read(m), m.stack[-1])


def _decimal(m: Machine) -> int:
    return int(m.reader.line(_LONGEST_LINE))


def _memoize(m: Machine) -> None:
    m.remember(len(m.memo) + m.forgotten, m.stack[-1])


def _proto(m: Machine) -> None:
    m.protocol = _u1(m)
    if m.protocol > 5:  # noqa: PLR2004 - the highest there is
        raise ValueError


def _global(m: Machine) -> None:
    module, name = (m.reader.line(_LONGEST_LINE).decode("utf-8") for _ in range(2))
    m.push(m.find(module, name))


def _stack_global(m: Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    m.push(m.find(module, name))


def _inst(m: Machine) -> None:
    module, name = (m.reader.line(_LONGEST_LINE).decode("utf-8") for _ in range(2))
    arguments = tuple(m.to_mark()[:_KEPT_ITEMS])
    m.push(m.call(m.find(module, name), arguments))


def _obj(m: Machine) -> None:
    callee, *arguments = m.to_mark()
    m.push(m.call(callee, tuple(arguments[:_KEPT_ITEMS])))


def _reduce(m: Machine) -> None:
    arguments, callee = m.stack.pop(), m.stack.pop()
    m.push(m.call(callee, arguments))


def _newobj(m: Machine) -> None:
    arguments, callee = m.stack.pop(), m.stack.pop()
    m.push(m.call(callee, arguments, "new"))


def _newobj_ex(m: Machine) -> None:
    keywords, arguments, callee = m.stack.pop(), m.stack.pop(), m.stack.pop()
    m.push(m.call(callee, (arguments, keywords), "new"))


def _build(m: Machine) -> None:
    state, target = m.stack.pop(), m.stack[-1]
    if isinstance(target, Name):
        m.use("change", target, (state,))
    elif isinstance(target, Made):
        m.use("build", target.callee, state)
        if target.callee == WRAPPER:
            pass_array(m, state)


def _registry(read: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        m.use("registry", None, (read(m),))
        m.push(UNKNOWN)

    return operation


def _persistent_line(m: Machine) -> None:
    m.reader.line(_LONGEST_LINE)
    m.push(UNKNOWN)


def _persistent(m: Machine) -> None:
    m.stack.pop()
    m.push(UNKNOWN)


def _long(length: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(m: Machine) -> None:
        size = length(m)
        if size < 0:
            raise ValueError
        if size > 8:  # noqa: PLR2004 - larger numbers are no sizes
            m.reader.skip(size)
            m.push(UNKNOWN)
        else:
            m.push(int.from_bytes(m.reader.take(size), "little", signed=True))

    return operation


def _unicode_line(m: Machine) -> None:
    at, size = m.reader.line_span()
    short = size <= _KEPT_TEXT * 8
    m.push(of_unicode_line(m.reader.source.read(at, size)) if short else Data(at, size, "raw-unicode-escape"))


def _string_line(m: Machine) -> None:
    at, size = m.reader.line_span()
    m.push(of_string_line(m.reader.source.read(at, size)) if size <= _KEPT_TEXT * 8 else UNKNOWN)


def _nothing(_: Machine) -> None:
    """Do as READONLY_BUFFER does: the value stays."""


STOP = ord(".")
_BY_CODE: dict[bytes, Callable[[Machine], None]] = {
    b"(": _mark, b"0": _pop, b"1": _pop_mark, b"2": _dup, b"\x80": _proto, b"\x95": lambda m: _u8(m) and None,
    b"I": lambda m: m.push(of_int_line(m.reader.line(_LONGEST_LINE))), b"J": _pushes_read(_i4),
    b"K": _pushes_read(_u1), b"M": _pushes_read(_u2),
    b"L": lambda m: m.push(of_int_line(m.reader.line(_LONGEST_LINE).rstrip(b"L"))), b"\x8a": _long(_u1),
    b"\x8b": _long(_i4), b"F": lambda m: m.push(float(m.reader.line(_LONGEST_LINE))), b"G": _pushes_read(_f8),
    b"N": _pushes(None), b"\x88": _pushes(value=True), b"\x89": _pushes(value=False),
    b"S": _string_line, b"T": _bytes(_i4, is_text=True),
    b"U": _bytes(_u1, is_text=True), b"B": _bytes(_u4), b"C": _bytes(_u1), b"\x8e": _bytes(_u8), b"\x96": _bytes(_u8),
    b"V": _unicode_line, b"X": _text(_u4), b"\x8c": _text(_u1),
    b"\x8d": _text(_u8), b"\x97": _pushes(UNKNOWN), b"\x98": _nothing, b"]": _new_items("list"),
    b"}": _new_items("dict"), b"\x8f": _new_items("set"), b")": _pushes(()), b"t": _marked_tuple, b"\x85": _tuple(1),
    b"\x86": _tuple(2), b"\x87": _tuple(3), b"l": _marked_items("list", is_pairs=False),
    b"d": _marked_items("dict", is_pairs=True), b"\x91": _marked_items("frozenset", is_pairs=False),
    b"a": _adds(1, is_pairs=False), b"e": _adds(0, is_pairs=False), b"s": _adds(2, is_pairs=True),
    b"u": _adds(0, is_pairs=True), b"\x90": _adds(0, is_pairs=False), b"g": _get(_decimal), b"h": _get(_u1),
    b"j": _get(_u4), b"p": _put(_decimal), b"q": _put(_u1), b"r": _put(_u4), b"\x94": _memoize, b"c": _global,
    b"\x93": _stack_global, b"i": _inst, b"o": _obj, b"R": _reduce, b"\x81": _newobj, b"\x92": _newobj_ex,
    b"b": _build, b"\x82": _registry(_u1), b"\x83": _registry(_u2), b"\x84": _registry(_i4), b"P": _persistent_line,
    b"Q": _persistent,
}  # fmt: skip
OPERATIONS: tuple[Callable[[Machine], None] | None, ...] = tuple(_BY_CODE.get(bytes([code])) for code in range(256))
