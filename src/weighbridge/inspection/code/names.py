"""Resolve what a Python file calls: aliases, `from` imports, assembled names; and say what such a call does."""

from __future__ import annotations

import ast
import functools
import sys
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Names", "action_of"]

_BUILTINS = frozenset(
    {"exec", "eval", "compile", "__import__", "getattr", "open", "globals", "locals", "vars", "bytes"}
)
# functions that do harm as somebody else's callback: `map(exec, ...)`, `Thread(target=os.system)`
_HANDED_ON = frozenset({
    "exec", "eval", "builtins.exec", "builtins.eval", "os.system", "os.popen", "subprocess.run", "subprocess.call",
    "subprocess.Popen", "subprocess.check_output", "marshal.loads", "pickle.loads", "__import__",
})  # fmt: skip
_LONGEST = 2000
_DEPTH = 30


@functools.cache
def _actions() -> dict[str, str]:
    text = resources.files("weighbridge.inspection.code").joinpath("actions.toml").read_text(encoding="utf-8")
    return {name: row["what"] for row in tomllib.loads(text)["action"] for name in row["names"]}


@functools.cache
def action_of(name: str) -> str | None:
    """Return what calling a dotted name does ("runs programs"), or None for a name that is in no list."""
    table = _actions()
    if name in table:
        return table[name]
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        if f"{prefix}." in table:
            return table[f"{prefix}."]
        if prefix in table:
            return table[prefix]
    if len(parts) > 2 and (tail := ".".join(parts[-2:])) in table:  # noqa: PLR2004 - `shutil.os.system`: a module's own import
        return table[tail]
    if len(parts) > 2 and parts[-2] in {"subprocess", "ctypes", "socket", "pickle"}:  # noqa: PLR2004 - as above
        return action_of(".".join(parts[-2:]))
    family = next((known for known in ("os.exec", "os.spawn", "os.posix_spawn") if name.startswith(known)), None)
    return table[family] if family else None


class Names:
    """What the names of one module stand for, as far as its imports and assignments say."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: set[str] = set()
        self._starred: list[str] = []
        self._known: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._assign(node.targets[0], node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and (named := self.dotted(value)) and action_of(named):
            self._known.setdefault(target.id, named)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.add(alias.name)
            self._known[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        self.imports.add(module)
        for alias in node.names:
            if alias.name == "*":
                self._starred.append(module)
            elif not node.level:
                self._known[alias.asname or alias.name] = f"{module}.{alias.name}"

    def dotted(self, node: ast.expr, depth: int = 0) -> str | None:
        """Return the dotted name of an expression: `o.system` with `import os as o` is `os.system`."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Name):
            return self._known.get(node.id) or self._star(node.id) or (node.id if node.id in _BUILTINS else None)
        if isinstance(node, ast.Attribute):
            inner = self.dotted(node.value, depth + 1)
            return f"{inner}.{node.attr}" if inner else None
        if isinstance(node, ast.Call):
            return self._called(node, depth)
        return self._looked_up(node, depth) if isinstance(node, ast.Subscript) else None

    def _looked_up(self, node: ast.Subscript, depth: int) -> str | None:
        """Return the name behind `sys.modules["os"]`, `os.__dict__["system"]`, `__builtins__["eval"]`."""
        key, table = text_of(node.slice), node.value
        if isinstance(table, ast.Attribute) and table.attr == "__dict__":
            inner = self.dotted(table.value, depth + 1)
            return f"{inner}.{key}" if inner and key else None
        if isinstance(table, ast.Call) and isinstance(table.func, ast.Name) and table.func.id == "vars" and table.args:
            inner = self.dotted(table.args[0], depth + 1)
            return f"{inner}.{key}" if inner and key else None
        if self.dotted(table, depth + 1) == "sys.modules" or _is_builtins(table):
            return key
        return None

    def _star(self, name: str) -> str | None:
        """Return where a name comes from that only `from os import *` can have brought."""
        return next((f"{module}.{name}" for module in self._starred if action_of(f"{module}.{name}")), None)

    def _called(self, node: ast.Call, depth: int) -> str | None:
        """Return the name behind `__import__("os")`, `importlib.import_module("os")`, `getattr(os, "system")`."""
        name = self.dotted(node.func, depth + 1)
        if (
            name in {"__import__", "importlib.import_module", "builtins.__import__", "importlib.__import__"}
            and node.args
        ):
            return text_of(node.args[0])
        if name == "getattr" and len(node.args) > 1:
            inner = "builtins" if _is_builtins(node.args[0]) else self.dotted(node.args[0], depth + 1)
            attribute = text_of(node.args[1])
            return f"{inner}.{attribute}" if inner and attribute else None
        return None

    def calls(self, node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
        """Yield the calls below a node whose name can be told; decorators, and what is handed on to be called."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                if name := self.dotted(call.func):
                    yield call, name
                for given in (*call.args, *(pair.value for pair in call.keywords)):
                    if isinstance(given, ast.Name | ast.Attribute) and (name := self.dotted(given)) in _HANDED_ON:
                        yield call, str(name)
            elif isinstance(call, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in call.decorator_list:
                    if (name := self.dotted(decorator)) in _HANDED_ON:
                        yield decorator, str(name)


def _is_builtins(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id in {"__builtins__", "builtins"}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in {"globals", "locals", "vars"}
    return isinstance(node, ast.Attribute) and node.attr in {"__dict__", "__builtins__"}


def text_of(node: ast.expr, depth: int = 0) -> str | None:  # noqa: PLR0911 - one for each way of writing a text
    """Return the text that an expression of constants comes to: parts put together, reversed, or joined."""
    if depth > _DEPTH:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and len(node.value) <= _LONGEST else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left, depth + 1), text_of(node.right, depth + 1)
        return left + right if left is not None and right is not None else None
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Slice)
        and isinstance(node.slice.step, ast.UnaryOp)
    ):
        value = text_of(node.value, depth + 1)
        return value[::-1] if value is not None else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
        between = text_of(node.func.value, depth + 1)
        items = node.args[0].elts if isinstance(node.args[0], ast.List | ast.Tuple) else []
        parts = [text_of(item, depth + 1) for item in items]
        if between is not None and parts and None not in parts:
            return between.join(part for part in parts if part is not None)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "chr" and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, int) and 0 <= first.value <= sys.maxunicode:
            return chr(first.value)
    return None
