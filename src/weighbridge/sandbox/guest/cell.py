"""The cell: runs the model's code and does what the bench asks of it.

Nothing here is defended against that code, and nothing needs to be: it learns arguments, never a test, an expected
value or a token, and what it sends back is data that the bench judges.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import enum
import importlib
import io
import itertools
import marshal
import operator
import sys
import types
from typing import TYPE_CHECKING, Any

from .wire import Wire, data_base, plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cell"]

_TEXT = 400
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": lambda function, *arguments: function(*arguments[0], **arguments[1]),
    "getattr": getattr, "setattr": setattr, "delattr": delattr,
    "getitem": operator.getitem, "setitem": operator.setitem, "delitem": operator.delitem,
    "contains": operator.contains, "len": len, "iter": iter, "next": next, "bool": bool, "str": str, "repr": repr,
    "isinstance": isinstance, "dir": dir, "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None), "plain": lambda one: _data(one)[1],
    "format": format, "int": int, "float": float, "complex": complex, "index": operator.index, "abs": abs,
    "neg": operator.neg, "pos": operator.pos, "invert": operator.invert, "round": round,
}  # fmt: skip


_FIXED = frozenset({str, int, float, complex, bytes, tuple, frozenset})
_LIKE: dict[type, type] = {
    collections.UserDict: dict, collections.ChainMap: dict, types.MappingProxyType: dict, collections.UserList: list,
    collections.UserString: str, memoryview: bytes,
}  # fmt: skip
_HARMLESS = frozenset({"__new__", "__init__", "__repr__", "__str__", "__getnewargs__", "__init_subclass__"})


def _data(value: Any) -> tuple[str, Any]:
    """Return the name of the type of data that an object is an own kind of, and that data; "" where it is none."""
    base = data_base(value)
    if base is not None:
        return base.__name__, plain(base, value)
    like = next((base for kind, base in _LIKE.items() if isinstance(value, kind)), None)
    return ("", None) if like is None else (like.__name__, like(value))


def _is_part(value: Any) -> bool:
    """Whether an object behaves as the data that it holds: it cannot change, and its class redefines no operator."""
    if data_base(value) not in _FIXED:
        return False
    own = (kind for kind in type(value).__mro__ if kind.__module__ not in sys.stdlib_module_names)
    return isinstance(value, enum.Enum) or not any(
        callable(one) and name.startswith("__") and name not in _HARMLESS
        for kind in own
        for name, one in vars(kind).items()
    )


class Cell:
    """One program's module, and the objects that the bench holds handles of."""

    def __init__(self) -> None:
        self._module = types.ModuleType("answer")
        self._kept: dict[int, Any] = {}
        self._number: dict[int, int] = {}
        self._count = itertools.count()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do one thing; whatever the program raises is part of the answer."""
        try:
            if asked["do"] == "load":
                self._load(asked["code"], asked["stdin"])
                return {"value": None}
            if asked["do"] == "find":
                return self._find(asked["name"])
            return self._operate(asked)
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of the program, too
            return self.raised(error)

    def _load(self, code: str, stdin: str | None) -> None:
        """Run the program's top level."""
        self._module = types.ModuleType("answer" if stdin is None else "__main__")
        sys.modules[self._module.__name__] = self._module
        if stdin is not None:
            sys.stdin = io.StringIO(stdin)
        try:
            exec(compile(code, "<answer>", "exec"), self._module.__dict__)  # noqa: S102 - this is the sandbox
        except SystemExit as leave:
            if stdin is None or leave.code not in (None, 0):  # a whole program may say `sys.exit()` at its end
                raise
        finally:
            sys.stdout.flush()

    def _find(self, name: str) -> dict[str, Any]:
        """Return what the program calls by a name, if it does."""
        if name not in self._module.__dict__:
            return {"missing": True}
        return {"value": Wire(self._send_other, self._take_other).encode([self._module.__dict__[name]])}

    def _operate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Apply one operation; contents of the caller's objects go back where they changed."""
        wire = Wire(self._send_other, self._take_other)
        arguments = wire.decode(asked["with"])
        seeds = wire.objects
        result = _OPERATIONS[asked["do"]](*arguments)
        answer = wire.encode([result], seeds)
        for index, before in enumerate(asked["with"]["heap"]):
            if answer["heap"][index] == before:
                answer["heap"][index] = None
        return {"value": answer}

    def _send_other(self, wire: Wire, value: Any) -> Any:
        """Keep an object here, and send a handle, with the data where it is an own kind of data."""
        number = self._number.get(id(value))
        if number is None:
            number = self._number[id(value)] = next(self._count)
            self._kept[number] = value
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["error", number, value.__name__, [(base.__module__, base.__name__) for base in value.__mro__]]
        if _is_part(value):
            return ["part", number, type(value).__name__, wire.node(_data(value)[1])]
        nature = "enum" if isinstance(value, enum.Enum) else _data(value)[0]
        return ["foreign", number, type(value).__name__, nature]

    def _take_other(self, _wire: Wire, node: list[Any]) -> Any:
        """Return the object of a handle, or make a function that the tests pass as an argument."""
        if node[0] == "foreign":
            return self._kept[node[1]]
        if node[0] == "module":
            return importlib.import_module(node[1])
        if node[0] == "named":
            return getattr(importlib.import_module(node[1]), node[2])
        if node[0] != "function":
            raise ValueError(node[0])
        code = marshal.loads(base64.b64decode(node[1]))  # noqa: S302 - sent by the bench, run in the cell
        used, defaults, cells = Wire(self._send_other, self._take_other).decode(node[2])
        names = {"__builtins__": __builtins__, **used}
        return types.FunctionType(code, names, code.co_name, tuple(defaults), tuple(map(types.CellType, cells)))

    def raised(self, error: BaseException) -> dict[str, Any]:
        """Return what was raised, as names and text."""
        kind = type(error)
        try:
            text = str(error)[:_TEXT]
        except BaseException:  # noqa: BLE001 - the program's own `__str__`
            text = ""
        wire = Wire(self._send_other, self._take_other)
        said = {"raised": self._send_other(wire, kind), "text": text}
        with contextlib.suppress(Exception):  # arguments that cannot be sent are left out
            said["args"] = wire.encode([error.args])
        if kind.__module__ not in sys.stdlib_module_names:
            said["number"] = self._send_other(wire, error.with_traceback(None))[1]
        return said
