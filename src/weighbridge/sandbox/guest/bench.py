"""The bench: runs the tests against stand-ins of what the model's code defines, which lives in the other room.

A stand-in has no equality, order or arithmetic of its own class: an object that claims to equal everything is
equal to itself here and to nothing else.
"""

from __future__ import annotations

import ast
import base64
import builtins
import importlib
import json
import marshal
import sys
import types
from typing import TYPE_CHECKING, Any, NoReturn

from .wire import Uncrossable, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Bench"]

_TEXT = 400


class Undecided(BaseException):
    """The tests ask something that only the other room could answer, and might answer falsely."""


class Foreign:
    """A stand-in for an object of the cell."""

    __slots__ = ("_bench", "_kind", "_number")

    def __init__(self, bench: Bench, number: int, kind: str) -> None:
        object.__setattr__(self, "_bench", bench)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def _ask(self, operation: str, *arguments: Any) -> Any:
        bench: Bench = object.__getattribute__(self, "_bench")
        return bench.ask(operation, self, *arguments)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._ask("call", list(arguments), named)

    def __getattr__(self, name: str) -> Any:
        return self._ask("getattr", name)

    def __setattr__(self, name: str, value: object) -> None:
        self._ask("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self._ask("delattr", name)

    def __getitem__(self, key: object) -> Any:
        return self._ask("getitem", key)

    def __setitem__(self, key: object, value: object) -> None:
        self._ask("setitem", key, value)

    def __delitem__(self, key: object) -> None:
        self._ask("delitem", key)

    def __contains__(self, key: object) -> bool:
        return self._ask("contains", key) is True

    def __len__(self) -> int:
        return int(self._ask("len"))

    def __iter__(self) -> Iterator[Any]:
        return self._ask("iter")  # type: ignore[no-any-return] # a stand-in, which has `__next__`

    def __next__(self) -> Any:
        return self._ask("next")

    def __bool__(self) -> bool:
        return self._ask("bool") is True

    def __str__(self) -> str:
        return str(self._ask("str"))

    def __repr__(self) -> str:
        return str(self._ask("repr"))

    def __dir__(self) -> list[str]:
        return list(self._ask("dir"))

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, *_: object) -> None:
        self._ask("exit")

    def __instancecheck__(self, one: object) -> bool:
        return isinstance(one, Foreign) and object.__getattribute__(self, "_bench").ask("isinstance", one, self) is True

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_number"))

    def __eq__(self, other: object) -> bool:
        return self is other or self._compare(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _compare(self, other: object) -> bool:
        """Hold two objects of the cell for undecided, and any other pair for different."""
        if not isinstance(other, Foreign):
            return False
        kind = object.__getattribute__(self, "_kind")
        bench: Bench = object.__getattribute__(self, "_bench")
        return bench.undecided(f"the tests compare two objects of the class {kind}")


class Bench:
    """Judges one program."""

    def __init__(self, reach: Callable[[str], str]) -> None:
        self._reach = reach
        self._known: dict[int, Any] = {}
        self._why_undecided: str | None = None

    def judge(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run the tests; give the host's token back only where all of them ran to the end."""
        space = types.ModuleType("tests").__dict__
        sys.modules["tests"] = types.ModuleType("tests")
        try:
            exec(compile(asked["preamble"], "<preamble>", "exec"), space)  # noqa: S102 - the suite's own code
            tests = compile(asked["tests"], "<tests>", "exec")
            self._bring(set(asked["names"]) or _wanted(asked["tests"], tests, space), _names(tests), space)
            exec(tests, space)  # noqa: S102 - the suite's own code, and still in a sandbox
        except BaseException as error:  # noqa: BLE001 - whatever it is, the tests did not end well
            verdict = {"failed": type(error).__name__, "text": _text(error)}
        else:
            verdict = {"token": asked["token"]}
        return {"undecided": self._why_undecided} if self._why_undecided else verdict

    def _bring(self, wanted: set[str], used: set[str], space: dict[str, Any]) -> None:
        """Define in the tests' space what they take from the program.

        A module of the standard library is always ours: the program's `math` might call anything close.
        """
        for name in sorted((used - wanted - space.keys()) & sys.stdlib_module_names):
            space[name] = importlib.import_module(name)
        for name in sorted(wanted):
            found = json.loads(self._reach(json.dumps({"do": "find", "name": name})))
            if "value" in found:
                space[name] = self._wire().decode(found["value"])[0]
            else:
                space.pop(name, None)

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Have the cell do something; raises what the program raised."""
        wire = self._wire()
        try:
            message = wire.encode(list(arguments))
        except Uncrossable as error:
            self.undecided(str(error))
        seeds = wire.objects
        answer = json.loads(self._reach(json.dumps({"do": operation, "with": message})))
        if "raised" in answer:
            kind = self._error(answer["raised"])
            raise kind.__new__(kind, answer["text"])  # some builtin errors cannot be called with one text
        return wire.decode(answer["value"], seeds)[0]

    def undecided(self, why: str) -> NoReturn:
        """Note that no verdict is possible, and leave the tests."""
        self._why_undecided = why
        raise Undecided(why)

    def _wire(self) -> Wire:
        return Wire(self._send_other, self._take_other)

    def _error(self, node: list[Any]) -> type[BaseException]:
        """Return the builtin error of that name, or a class of that name below the nearest builtin one."""
        _, number, name, bases = node
        errors = (getattr(builtins, base) for base in bases if _is_error(getattr(builtins, base, None)))
        nearest: type[BaseException] = next(errors, Exception)
        if name == nearest.__name__:
            return nearest
        known: type[BaseException] = self._known.setdefault(number, type(name, (nearest,), {}))
        return known

    def _take_other(self, _wire: Wire, node: list[Any]) -> Any:
        """Return the stand-in of a handle; no other form is taken."""
        if node[0] == "error":
            return self._error(node)
        if node[0] != "foreign":
            raise ValueError(node[0])
        _, number, kind = node
        if number not in self._known:
            self._known[number] = Foreign(self, number, kind)
        return self._known[number]

    def _send_other(self, _wire: Wire, value: Any) -> Any:
        """Send a stand-in as its handle, a function as its code, a thing of the standard library by name."""
        if type(value) is Foreign:
            return ["foreign", object.__getattribute__(value, "_number")]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if type(value) is types.FunctionType and value.__module__ == "tests":
            return self._function(value)
        name, module = getattr(value, "__qualname__", ""), getattr(value, "__module__", None)
        if module in sys.stdlib_module_names | {"numpy"} and getattr(sys.modules.get(module), name, None) is value:
            return ["named", module, name]
        raise Uncrossable(f"the tests pass an object of their own class {type(value).__name__}")

    def _function(self, function: types.FunctionType) -> list[Any]:
        """Return a function with the names that it uses."""
        used = {name: value for name, value in function.__globals__.items() if name in _names(function.__code__)}
        if function in used.values():
            raise Uncrossable("the tests pass a function that calls itself")
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        parts = self._wire().encode(
            [used, list(function.__defaults__ or ()), cells]
        )  # its own: nothing is written back
        return ["function", base64.b64encode(marshal.dumps(function.__code__)).decode(), parts]


def _wanted(text: str, code: types.CodeType, space: dict[str, Any]) -> set[str]:
    """Return the names that tests use and nobody defines; where there are none, the builtin that they call first.

    The second is for programs that were asked to be called `sum` or `filter`; no other builtin is ever replaced.
    """
    wanted = {name for name in _names(code) if name not in space and not hasattr(builtins, name)}
    wanted -= sys.stdlib_module_names
    if wanted:
        return wanted
    calls = (
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    first = min(calls, key=lambda node: (node.lineno, node.col_offset), default=None)
    return {first.func.id} if first is not None and isinstance(first.func, ast.Name) else set()


def _names(code: types.CodeType) -> set[str]:
    """Return the names that some code and the functions in it look up."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def _text(error: BaseException) -> str:
    """Return an error as one bounded line."""
    try:
        return " ".join(str(error).split())[:_TEXT]
    except Exception:  # noqa: BLE001 - a stand-in may be part of the message
        return ""
