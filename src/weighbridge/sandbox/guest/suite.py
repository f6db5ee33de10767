"""The tests of an item as a script: what runs by itself, and what only defines tests for somebody to run."""

from __future__ import annotations

import ast
import inspect
import unittest
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["NotCallable", "parked"]


class NotCallable(Exception):
    """A test asks for arguments that nobody here has."""


def parked(text: str, space: dict[str, Any], names: list[str]) -> Iterator[Callable[[], Any]]:
    """Return the tests that the text defines and never calls, as calls: `check`, `test_*`, classes of tests.

    `names` are what the item asks for; a function of one parameter gets the only one. Raises NotCallable.
    """
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in tree.body:
        kept = space.get(getattr(node, "name", ""))
        if isinstance(node, ast.ClassDef) and isinstance(kept, type):
            yield from _of_class(kept)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name in used:
            continue
        elif node.name == "check" or node.name.startswith("test"):
            yield _call(kept, [space[name] for name in names if name in space], node)


def _call(function: Any, given: list[Any], node: ast.FunctionDef | ast.AsyncFunctionDef) -> Callable[[], Any]:
    """Return the call of one function of tests."""
    needed = len(node.args.posonlyargs) + len(node.args.args) - len(node.args.defaults)
    if isinstance(node, ast.AsyncFunctionDef) or needed > len(given) or needed > 1:
        raise NotCallable(f"the item's tests leave {node.name} uncalled, and it needs what is not here")
    return lambda: function(*given[:needed])


def _of_class(kind: type) -> Iterator[Callable[[], Any]]:
    """Return the tests of a class, in unittest's way or pytest's."""
    if issubclass(kind, unittest.TestCase):
        yield lambda: unittest.defaultTestLoader.loadTestsFromTestCase(kind).debug()
    elif kind.__name__.startswith("Test") and "__init__" not in vars(kind):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name.startswith("test"):
                if len(inspect.signature(method).parameters) > 1:
                    raise NotCallable(f"the item's tests leave {name} uncalled, and it needs what is not here")
                yield partial(_run_method, kind, name)


def _run_method(kind: type, name: str) -> None:
    """Run one method of a class of tests between what it sets up and tears down."""
    one = kind()
    getattr(one, "setup_method", lambda *_: None)()
    getattr(one, name)()
    getattr(one, "teardown_method", lambda *_: None)()
