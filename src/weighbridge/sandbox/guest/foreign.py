"""Stand-ins on the bench for what lives in the cell.

Nothing that a stand-in's own class says of equality, order or arithmetic with the tests' data is believed: an object
that claims to equal everything equals itself. What a judgement would have to believe is lost, and noted as lost.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Protocol

from .wire import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Foreign", "Keeper", "part_class"]

_BASES = {
    kind.__name__: kind for kind in (str, int, float, complex, bytes, bytearray, tuple, list, dict, set, frozenset)
}


class Keeper(Protocol):
    """What stand-ins ask of their bench."""

    expects_objects: bool
    """Whether the tests name a class of the program, so that its objects are what they are about."""

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Have the cell do something."""
        ...

    def undecided(self, why: str) -> Any:
        """Leave the tests without a verdict."""
        ...

    def lose(self, why: str) -> None:
        """Note what did not cross whole: a test that fails after it decides nothing."""
        ...


class Foreign:
    """A stand-in for an object of the cell; `nature` is the type of data that it is an own kind of, or "enum"."""

    __slots__ = ("_bench", "_kind", "_nature", "_number")

    def __init__(self, bench: Keeper, number: int, kind: str, nature: str = "") -> None:
        object.__setattr__(self, "_bench", bench)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_nature", nature)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The type of data that this is an own kind of, for `isinstance`."""
        return _BASES.get(object.__getattribute__(self, "_nature"), Foreign)

    def _ask(self, operation: str, *arguments: Any) -> Any:
        bench: Keeper = object.__getattribute__(self, "_bench")
        return bench.ask(operation, self, *arguments)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call what this stands for."""
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
        bench: Keeper = object.__getattribute__(self, "_bench")
        if bench.expects_objects:
            return self._ask("contains", key) is True
        return any(one is key or one == key for one in self)  # a function's own `__contains__` is not believed

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

    def __format__(self, form: str) -> str:
        return str(self._ask("format", form))

    def __dir__(self) -> list[str]:
        return list(self._ask("dir"))

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, AssertionError):
            object.__getattribute__(self, "_bench").lose("an exception in a context of the program's own")
        self._ask("exit")

    def __instancecheck__(self, one: object) -> bool:
        if not hasattr(type(one), "_stands_for") and type(one) is not Foreign:
            return False
        return object.__getattribute__(self, "_bench").ask("isinstance", one, self) is True

    def __hash__(self) -> int:
        _lose(self, "the hash")
        return hash(object.__getattribute__(self, "_number"))

    def __eq__(self, other: object) -> Any:
        return True if self is other else _compare(self, other)

    def __ne__(self, other: object) -> Any:
        same = self == other
        return same if same is NotImplemented else not same


def _lose(one: Foreign, what: str) -> None:
    """Note a loss, where the tests are about objects; else any answer could make itself one."""
    bench: Keeper = object.__getattribute__(one, "_bench")
    if bench.expects_objects:
        bench.lose(f"{what} of an object of the class {object.__getattribute__(one, '_kind')}")


def _data(one: object) -> tuple[bool, Any]:
    """Return whether an operand is data for the bench, and that data."""
    if type(one) is not Foreign:
        return type(one) in PLAIN or hasattr(type(one), "_stands_for"), one
    known = object.__getattribute__(one, "_nature") in _BASES
    return known, object.__getattribute__(one, "_bench").ask("plain", one) if known else one


def _compare(one: Foreign, other: object) -> Any:
    """Compare data as data; two objects are undecided, an object and data differ."""
    mine, theirs = _data(one), _data(other)
    bench: Keeper = object.__getattribute__(one, "_bench")
    kind = object.__getattribute__(one, "_kind")
    if mine[0] and theirs[0]:
        _lose(one, "the equality")
        return mine[1] == theirs[1]
    if type(other) is Foreign:
        if object.__getattribute__(one, "_nature") == object.__getattribute__(other, "_nature") == "enum":
            return False
        return bench.undecided(f"the tests compare two objects of the class {kind}")
    if theirs[0]:
        _lose(one, "the equality")
        return False
    bench.lose(f"the tests compare {type(other).__name__} with an object of the class {kind}")
    return NotImplemented


def _operate(name: str, first: object, second: object, one: Foreign) -> Any:
    """Apply an operator of two operands to data; what else it would mean is not for the cell to say."""
    left, right = _data(first), _data(second)
    bench: Keeper = object.__getattribute__(one, "_bench")
    if left[0] and right[0]:
        _lose(one, name)
        return getattr(operator, name)(left[1], right[1])
    if bench.expects_objects or (type(first) is Foreign and type(second) is Foreign) or not (left[0] or right[0]):
        bench.undecided(f"the tests use {name} on an object of the class {object.__getattribute__(one, '_kind')}")
    raise TypeError(f"unsupported operand for {name}: {object.__getattribute__(one, '_kind')}")


def _forward(name: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: _operate(name, self, other, self)


def _backward(name: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: _operate(name, other, self, self)


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda self: self._ask("getattr", name)


def _single(name: str) -> Callable[..., Any]:
    return lambda self, *more: self._ask(name, *more)


for _name in ("__doc__", "__module__"):  # a class has these of its own, and the tests mean the program's
    setattr(Foreign, _name, property(_attribute(_name)))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Foreign, f"__{_name}__", _forward(_name))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift"):
    setattr(Foreign, f"__{_name}__", _forward(_name))
    setattr(Foreign, f"__r{_name}__", _backward(_name))
for _name in ("and", "or", "xor"):
    setattr(Foreign, f"__{_name}__", _forward(f"{_name}_"))
    setattr(Foreign, f"__r{_name}__", _backward(f"{_name}_"))
for _name in ("int", "float", "complex", "index", "abs", "neg", "pos", "invert", "round"):
    setattr(Foreign, f"__{_name}__", _single(_name))


def part_class(bench: Keeper, kind: str, base: type) -> type:
    """Return the class of stand-ins that are data of `base`, and have the names of the program's own class."""

    def ask(name: str) -> Callable[..., Any]:
        return lambda self, *more: bench.ask(name, self, *more)

    space = {"_stands_for": True, "__getattr__": ask("getattr"), "__str__": ask("str"), "__repr__": ask("repr")}
    return type(kind, (base,), space)
