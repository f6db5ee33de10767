"""Which parts of a Python file run when it is imported: the module, and every function of its own that this calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["run_at_import"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_RUN_BY_IMPORT = frozenset({"__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__"})
# what calls the functions that it is handed, at once or before the process ends
_CALLERS = frozenset({
    "map", "filter", "reduce", "starmap", "sorted", "min", "max", "Thread", "Timer", "Process", "submit", "apply",
    "apply_async", "run_in_executor", "call_soon", "register", "finalize", "addaudithook", "settrace", "setprofile",
})  # fmt: skip


def run_at_import(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes that run on import: class bodies, decorators, defaults, metaclasses, and what these call.

    Names are taken as they stand, whatever is bound to them later: of two functions of one name both are counted.
    """
    return _Running(tree).nodes


@dataclass
class _Running:
    """Follows calls by name; `nodes` is what runs."""

    tree: ast.Module
    nodes: list[ast.AST] = field(default_factory=list)
    _functions: dict[str, list[_Function]] = field(default_factory=dict)
    _classes: dict[str, list[ast.ClassDef]] = field(default_factory=dict)
    _queue: list[ast.AST] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _annotates: bool = True

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            self._define(node)
        self._queue.append(self.tree)
        for name in _RUN_BY_IMPORT:
            self._run(*self._functions.get(name, []))
        # a loader asks for names: `getattr(module, "Model")` runs the module's own `__getattr__`
        self._run(*(node for node in self.tree.body if getattr(node, "name", "") == "__getattr__"))
        while self._queue:
            for node in self._own(self._queue.pop()):
                self.nodes.append(node)
                self._follow(node)

    def _define(self, node: ast.AST) -> None:
        """Note what a node gives a name to."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            self._classes.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._functions.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self._annotates &= all(alias.name != "annotations" for alias in node.names)

    def _run(self, *functions: ast.AST) -> None:
        for one in functions:
            if id(one) not in self._seen:
                self._seen.add(id(one))
                self._queue.append(one)

    def _follow(self, node: ast.AST) -> None:
        """Run what one node calls."""
        if isinstance(node, ast.Call):
            self._call(node.func)
            if _name_of(node.func) in _CALLERS:
                for value in [*node.args, *(word.value for word in node.keywords)]:
                    self._hand(value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                self._decorate(decorator)
            if isinstance(node, ast.ClassDef):
                self._make_class(node)

    def _call(self, callee: ast.expr) -> None:
        if isinstance(callee, ast.Lambda):
            self._run(callee)
        elif name := _name_of(callee):
            self._run(*self._functions.get(name, []))
            for one in self._classes.get(name, []):
                self._make(one)

    def _hand(self, value: ast.expr) -> None:
        """Run a function that is handed to a caller; a class is not: registers of classes are everywhere."""
        if isinstance(value, ast.Lambda):
            self._run(value)
        elif name := _name_of(value):
            self._run(*self._functions.get(name, []))

    def _make(self, one: ast.ClassDef, *, is_called: bool = False) -> None:
        """Run what makes an object of a class, and the operators that may be applied to it; `__call__` if it is."""
        for part in one.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and _is_special(part.name):
                if part.name == "__call__" and not is_called:
                    continue
                self._run(part)
        for base in one.bases:
            for inherited in self._classes.get(_name_of(base) or "", []):
                if inherited is not one and id(inherited) not in self._seen:
                    self._seen.add(id(inherited))
                    self._make(inherited, is_called=is_called)

    def _decorate(self, decorator: ast.expr) -> None:
        """Run a decorator, and where it is made by a call, the functions inside the one that makes it."""
        if isinstance(decorator, ast.Lambda):
            self._run(decorator)
        if not isinstance(decorator, ast.Call):
            self._call(decorator)
            return
        name = _name_of(decorator.func) or ""
        for maker in self._functions.get(name, []):
            self._run(*(inner for inner in ast.walk(maker) if isinstance(inner, _Function)))
        for one in self._classes.get(name, []):
            self._make(one, is_called=True)

    def _make_class(self, node: ast.ClassDef) -> None:
        """Run the metaclass that makes a class."""
        for word in node.keywords:
            if word.arg == "metaclass":
                self._call(word.value)
                for meta in self._classes.get(_name_of(word.value) or "", []):
                    self._make(meta, is_called=True)

    def _own(self, part: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes that run with `part`: not the bodies of functions in it, but what defining these runs.

        `if __name__ == "__main__"` is passed over: importing does not enter it.
        """
        body = getattr(part, "body", [part])
        stack: list[ast.AST] = list(body) if isinstance(body, list) else [body]
        while stack:
            node = stack.pop()
            yield node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                stack += [*node.decorator_list, *_defaults(node.args)]
                if self._annotates:
                    stack += _annotations(node)
            elif isinstance(node, ast.Lambda):
                stack += _defaults(node.args)
            elif isinstance(node, ast.If) and _is_main(node.test):
                stack += node.orelse
            else:
                stack += ast.iter_child_nodes(node)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _name_of(callee: ast.expr) -> str | None:
    return callee.id if isinstance(callee, ast.Name) else callee.attr if isinstance(callee, ast.Attribute) else None


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    stated = [one.annotation for one in every if one is not None and one.annotation is not None]
    return [*stated, *([node.returns] if node.returns else [])]


def _is_main(test: ast.expr) -> bool:
    """Whether a test is `__name__ == "__main__"` to the letter: `!=` and any other text hold on import."""
    return ast.unparse(test) == "__name__ == '__main__'" if isinstance(test, ast.Compare) else False
