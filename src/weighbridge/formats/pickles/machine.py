"""The pickle machine, simulated: every opcode of protocols 0 to 5 over abstract values.

Source: `pickletools.opcodes` and `pickle._Unpickler` of CPython 3.11. What would be imported, called or changed is
handed to `told` as a Use. Steps, stack, memo and texts are bounded; beyond them values become UNKNOWN.
"""

from __future__ import annotations

import _compat_pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.formats.pickles.operations import OPERATIONS, STOP
from weighbridge.formats.pickles.resolve import call_result
from weighbridge.formats.pickles.values import UNKNOWN, Name, Use
from weighbridge.formats.source import Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.source import Reader

__all__ = ["Bounds", "Machine", "Stopped"]

_KEPT_TEXT = 512
_MOST_SEEN = 4096
_DEEPEST = 3
_DEEPEST_ARGUMENT = 4


@dataclass(slots=True)
class Bounds:
    """What may still be spent, by all pickles of one file together."""

    steps: int = 20_000_000
    text_bytes: int = 24 << 20
    items: int = 200_000  # of containers, that are kept to be looked at
    in_tuples: int = 4_000_000  # cells of tuples that were made: one in another takes no place on the stack
    most_on_stack: int = 800_000  # of one pickle
    most_in_memo: int = 400_000  # of one pickle; the rest is forgotten


@dataclass(frozen=True, slots=True)
class Stopped:
    """How one pickle ended: `why` is empty where it reached its STOP."""

    at: int
    why: str
    steps: int
    is_bounded: bool = False


@dataclass(slots=True)
class Machine:
    """One pickle from `reader.at` on; `run` returns how it ended, and hands each distinct use to `told`."""

    reader: Reader
    told: Callable[[Use], None]
    bounds: Bounds
    protocol: int = 0
    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    forgotten: int = 0
    cells: int = 0
    trouble: str = ""
    is_bounded: bool = False
    start: int = 0
    depth: int = 0
    seen: set[tuple[str, Name | None]] = field(default_factory=set)

    def run(self) -> Stopped:
        """Run until STOP, an error or a bound."""
        steps, operations = 0, OPERATIONS
        budget = self.bounds.steps
        while steps < budget:
            self.start = self.reader.at
            try:
                code = self.reader.take(1)[0]
                steps += 1
                if code == STOP:
                    self.bounds.steps -= steps
                    return Stopped(self.reader.at, self.trouble, steps)
                operation = operations[code]
                if operation is None:
                    self.trouble = f"byte {self.start} is no opcode (0x{code:02x})"
                else:
                    operation(self)
            except Ended:
                self.trouble = f"ends inside the pickle, at byte {self.start}"
            except (IndexError, ValueError, OverflowError, UnicodeError):
                self.trouble = f"the opcode at byte {self.start} has nothing to work on"
            if self.trouble:
                self.bounds.steps -= steps
                return Stopped(self.start, self.trouble, steps, self.is_bounded)
        self.bounds.steps = 0
        return Stopped(self.reader.at, "has more steps than are followed", steps, is_bounded=True)

    def run_inner(self) -> None:
        """Run the pickle that stands here, inside this one; raises ValueError where it does not end well."""
        if self.depth >= _DEEPEST:
            raise ValueError
        if Machine(self.reader, self.told, self.bounds, depth=self.depth + 1).run().why:
            raise ValueError

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)
        self.grow()

    def grow(self) -> None:
        """Count what may lie on the stack; beyond the bound the pickle is given up."""
        self.cells += 1
        if self.cells > self.bounds.most_on_stack:
            self.cells = len(self.stack) + len(self.marks) + sum(map(len, self.marks))
            if self.cells > self.bounds.most_on_stack * 0.9:
                self.trouble, self.is_bounded = f"holds more than is followed, at byte {self.start}", True

    def push_tuple(self, items: list[Any]) -> None:
        """Put a tuple on the stack; beyond the bound the pickle is given up."""
        self.bounds.in_tuples -= len(items) + 1
        if self.bounds.in_tuples < 0:
            self.trouble, self.is_bounded = f"holds more than is followed, at byte {self.start}", True
        self.push(tuple(items))

    def to_mark(self) -> list[Any]:
        """Return what lies above the last mark, and forget the mark; raises IndexError without one."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def use(self, kind: str, name: Any, arguments: Any = None) -> None:
        """Tell of a use: once for each kind and name, and always where the arguments may matter and are few."""
        known = name if isinstance(name, Name) else None
        key = (kind, known)
        if arguments is None and key in self.seen:
            return
        if len(self.seen) < _MOST_SEEN:
            self.seen.add(key)
        self.told(Use(kind, known, arguments, self.start))

    def find(self, module: Any, name: Any) -> Any:
        """Look a name up as `Unpickler.find_class` would, with the old names of Python 2 where the protocol says so."""
        if not isinstance(module, str) or not isinstance(name, str):
            self.use("name", None)
            return UNKNOWN
        if self.protocol < 3:  # noqa: PLR2004 - below it `fix_imports` renames
            module, name = _compat_pickle.NAME_MAPPING.get(
                (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
            )
        found = Name(module, name)
        self.use("name", found)
        return found

    def call(self, callee: Any, arguments: Any, kind: str = "call") -> Any:
        """Return what a call gives, after telling of it."""
        self.use(kind, callee, arguments)
        self._pass(arguments, 0)
        result = call_result(callee, arguments)
        if isinstance(result, Name):
            self.use("name", result)
        return result

    def _pass(self, arguments: Any, depth: int) -> None:
        """Tell of names that are handed to a call: what it calls may call them in turn."""
        if isinstance(arguments, tuple) and depth < _DEEPEST_ARGUMENT:
            for one in arguments:
                if isinstance(one, Name):
                    self.use("pass", one)
                elif isinstance(one, tuple):
                    self._pass(one, depth + 1)

    def remember(self, index: int, value: Any) -> None:
        """Put a value into the memo; beyond the bound it is forgotten."""
        if index in self.memo or len(self.memo) < self.bounds.most_in_memo:
            self.memo[index] = value
        else:
            self.forgotten += 1

    def keep_text(self, data: bytes, encoding: str = "utf-8") -> Any:
        """Return short text, while there is room for text; UNKNOWN for other."""
        if len(data) > _KEPT_TEXT or self.bounds.text_bytes < len(data):
            return UNKNOWN
        self.bounds.text_bytes -= len(data)
        return data.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
