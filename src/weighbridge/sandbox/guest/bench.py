"""The bench: runs the tests against stand-ins of what the model's code defines, which lives in the other room."""

from __future__ import annotations

import ast
import base64
import builtins
import dis
import importlib
import json
import marshal
import sys
import types
import unittest
from typing import TYPE_CHECKING, Any, NoReturn

from .foreign import Foreign, part_class
from .suite import NotCallable, parked
from .wire import Uncrossable, Wire, data_base, plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bench"]

_TEXT = 400
_ELSEWHERE = frozenset({
    "asyncio", "capsys", "environ", "get_event_loop", "getrefcount", "getsource", "monkeypatch", "patch",
    "redirect_stderr", "redirect_stdout", "seed", "signature", "stderr", "stdin", "stdout", "__code__",
})  # fmt: skip
_WRITES = frozenset({"STORE_GLOBAL", "STORE_DEREF", "DELETE_GLOBAL", "STORE_ATTR"})


class Undecided(BaseException):
    """The tests ask something that only the other room could answer, and might answer falsely."""


class Bench:
    """Judges one program."""

    def __init__(self, reach: Callable[[str], str]) -> None:
        self._reach = reach
        self._known: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._why_undecided: str | None = None
        self._lost: str | None = None
        self._space: dict[str, Any] = {}
        self._raised: list[BaseException] = []
        self._asked = 0
        self.expects_objects = False

    def judge(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run the tests; give the host's token back only where all of them ran to the end, and called something."""
        unittest.main = lambda *_, **__: None  # type: ignore[assignment] # what it would run, runs below
        try:
            tests, names = self._prepare(asked)
        except BaseException as error:  # noqa: BLE001 - nothing of the program has run here
            return {"undecided": f"the item's tests cannot run: {type(error).__name__}: {_text(error)}"}
        try:
            self._bring(names, _names(tests), self._space)
            self._run(
                tests, asked, {name for name in names if type(self._space.get(name, self)) not in (Foreign, Bench)}
            )
        except NotCallable as error:
            self._why_undecided = self._why_undecided or str(error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the tests did not end well
            verdict = {"failed": type(error).__name__, "text": _text(error)}
            self._excuse(error, names, _names(tests))
        else:
            verdict = {"token": asked["token"]}
        return {"undecided": self._why_undecided} if self._why_undecided else verdict

    def _prepare(self, asked: dict[str, Any]) -> tuple[types.CodeType, set[str]]:
        """Make the tests' space; return the tests, and the names that they take from the program."""
        module = types.ModuleType("__main__")
        sys.modules["tests"], sys.modules["__main__"] = types.ModuleType("tests"), module
        space = self._space = module.__dict__
        space["__name__"] = "tests"
        exec(compile(asked["preamble"], "<preamble>", "exec"), space)  # noqa: S102 - the suite's own code
        space["__name__"] = "__main__"
        tests = compile(asked["tests"], "<tests>", "exec")
        names = set(asked["names"]) or _wanted(asked["tests"], tests, space)
        named = {node.id for node in ast.walk(ast.parse(asked["tests"])) if isinstance(node, ast.Name)}
        named &= names
        self.expects_objects = any(
            isinstance(space.get(name), type) if name in space else name[:1].isupper() for name in named
        )
        return tests, names

    def _run(self, tests: types.CodeType, asked: dict[str, Any], data: set[str]) -> None:
        """Run the tests, and those that they define and do not call."""
        before = self._asked
        exec(tests, self._space)  # noqa: S102 - the suite's own code, and still in a sandbox
        touched = bool(data & set(tests.co_names))
        for call in parked(asked["tests"], self._space, asked["names"]):
            touched |= bool(data & _names(tests))
            try:
                call()
            except unittest.SkipTest:
                continue
        if self._asked == before and not touched:
            self.undecided("the item's tests call nothing")

    def _excuse(self, error: BaseException, names: set[str], used: set[str]) -> None:
        """Note why a failure says nothing of the program: it is the suite's own, or follows on a loss."""
        if any(one is error for one in self._raised):
            own = False
        else:
            missing = (
                isinstance(error, NameError) and error.name not in names and not hasattr(builtins, str(error.name))
            )
            own = isinstance(error, ImportError) or (missing and not isinstance(error, UnboundLocalError))
        elsewhere = sorted(used & _ELSEWHERE)
        if self.expects_objects or "__name__" in used:
            elsewhere += ["type"] if "type" in used else []
        if own:
            self._why_undecided = f"the item's tests cannot run: {type(error).__name__}: {_text(error)}"
        elif self._lost or elsewhere:
            why = self._lost or f"the tests use {', '.join(elsewhere)}, which does not reach the program"
            self._why_undecided = self._why_undecided or why

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
        self._asked += 1
        answer = json.loads(self._reach(json.dumps({"do": operation, "with": message})))
        if "raised" in answer:
            raised = self._made_error(answer)
            self._raised = [*self._raised[-99:], raised]
            raise raised
        return wire.decode(answer["value"], seeds)[0]

    def undecided(self, why: str) -> NoReturn:
        """Note that no verdict is possible, and leave the tests."""
        self._why_undecided = why
        raise Undecided(why)

    def _wire(self) -> Wire:
        return Wire(self._send_other, self._take_other)

    def lose(self, why: str) -> None:
        """Note what did not cross whole: a test that fails after it decides nothing."""
        self._lost = self._lost or f"what the tests need did not cross: {why}"

    def _made_error(self, answer: dict[str, Any]) -> BaseException:
        """Return the error that an answer tells of."""
        kind, text = self._error(answer["raised"]), str(answer["text"])
        arguments = self._wire().decode(answer["args"])[0] if answer.get("args") else (text,)
        given = tuple(arguments) if isinstance(arguments, (list, tuple)) else (text,)
        if "_stands_for" not in vars(kind):
            try:
                return kind(*given)
            except Exception:  # noqa: BLE001 - some cannot be called with their own arguments
                return kind.__new__(kind, text)
        error = kind.__new__(kind, *given)
        error.args = given
        vars(error).update(_text=text, _number=answer.get("number"))
        return error

    def _error(self, node: list[Any]) -> type[BaseException]:
        """Return the error of that name of the standard library, or a class of that name below the nearest one."""
        _, number, name, bases = node
        found = ((base, _library_error(module, base)) for module, base in bases)
        nearest, kind = next(((base, kind) for base, kind in found if kind is not None), ("Exception", Exception))
        if name == nearest:
            return kind

        def ask(error: Any, attribute: str) -> Any:
            if attribute.startswith("__") or vars(error).get("_number") is None:
                raise AttributeError(attribute)
            return self.ask("getattr", Foreign(self, vars(error)["_number"], name), attribute)

        space = {"_stands_for": number, "__getattr__": ask, "__str__": lambda error: vars(error).get("_text", "")}
        known: type[BaseException] = self._known.setdefault(number, type(name, (kind,), space))
        return known

    def _take_other(self, wire: Wire, node: list[Any]) -> Any:
        """Return the stand-in of a handle; no other form is taken."""
        if node[0] == "error":
            return self._error(node)
        if node[0] == "part":
            return self._part(node[1], node[2], wire.value(node[3]))
        if node[0] != "foreign":
            raise ValueError(node[0])
        _, number, kind, nature = node
        if number not in self._known:
            self._known[number] = Foreign(self, number, kind, nature)
        return self._known[number]

    def _part(self, number: int, kind: str, inner: Any) -> Any:
        """Return data with the names of the program's own class; the same each time it comes unchanged."""
        base = type(inner)
        if base not in (str, int, float, complex, bytes, tuple, frozenset):
            raise ValueError(kind)
        known = self._known.get(number)
        if known is None or known != inner:
            known = self._known[number] = part_class(self, str(kind), base)(inner)
            self._numbers[id(known)] = number
        return known

    def _send_other(self, wire: Wire, value: Any) -> Any:
        """Send a stand-in as its handle, a function as its code, a thing of the standard library by name."""
        if hasattr(type(value), "_stands_for") and id(value) in self._numbers:
            return ["foreign", self._numbers[id(value)]]
        if type(value) is Foreign:
            return ["foreign", object.__getattribute__(value, "_number")]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if type(value) is types.FunctionType and value.__globals__ is self._space:
            return self._function(value)
        name, module = getattr(value, "__qualname__", ""), getattr(value, "__module__", None)
        if module in sys.stdlib_module_names | {"numpy"} and getattr(sys.modules.get(module), name, None) is value:
            return ["named", module, name]
        base = data_base(value)
        if base is not None:
            return wire.node(plain(base, value))
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
        if parts["heap"] or _writes(function.__code__):
            self.lose("a function that the tests pass has objects of theirs")
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


def _writes(code: types.CodeType) -> bool:
    """Whether a function writes what is not its own."""
    return any(one.opname in _WRITES for one in dis.get_instructions(code))


def _library_error(module: object, name: object) -> type[BaseException] | None:
    """Return the error of that name in a module of the standard library that is loaded here, or None."""
    if not (isinstance(module, str) and isinstance(name, str) and module.partition(".")[0] in sys.stdlib_module_names):
        return None
    kind = getattr(sys.modules.get(module), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None


def _text(error: BaseException) -> str:
    """Return an error as one bounded line."""
    try:
        return " ".join(str(error).split())[:_TEXT]
    except Exception:  # noqa: BLE001 - a stand-in may be part of the message
        return ""
