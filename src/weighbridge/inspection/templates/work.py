"""Find work in a template that no conversation bounds: loops over huge ranges, huge texts, endless macros."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["heavy_work"]

_MOST_ROUNDS = 100_000
_MOST_CHARACTERS = 1_000_000
_MOST_POWER = 64
_WIDTH = re.compile(r"[%:]0?[<>^]?(\d{5,})")
_PADDERS = frozenset(
    {"center", "indent", "ljust", "rjust", "zfill", "truncate", "wordwrap", "batch", "slice", "lipsum"}
)
_LONG_BLANK = re.compile(r"[ \t]{400,}|(?:[ \t]*\n){100,}")


def heavy_work(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Yield the line and a description of each piece of work that no conversation bounds."""
    yield from _loops(tree, 1)
    macros = {node.name: node for node in tree.find_all(nodes.Macro)}
    for name, macro in macros.items():
        if _always_calls(macro.body, name):
            yield macro.lineno, f"has the macro `{name[:60]}`, which calls itself without a condition"
    for node in tree.find_all((nodes.Mul, nodes.Pow, nodes.Const, nodes.Call, nodes.Filter, nodes.TemplateData)):
        if what := _of_node(node):
            yield node.lineno, what


def _loops(node: nodes.Node, rounds: int) -> Iterator[tuple[int, str]]:
    for child in node.iter_child_nodes():
        inner = rounds
        if isinstance(child, nodes.For):
            own = _rounds(child.iter)
            inner = rounds * (own or 1)
            if inner > _MOST_ROUNDS and own and own > 1:
                yield child.lineno, f"loops {_about(inner)} times whatever the conversation (a loop bomb)"
                continue
        yield from _loops(child, inner)


def _rounds(node: nodes.Node) -> int | None:
    """Return how many rounds a loop over constants takes; None where the conversation says."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        numbers = [number(arg) for arg in node.args]
        if not numbers or any(one is None for one in numbers):
            return None
        given = [one for one in numbers if one is not None]
        start, stop = (0, given[0]) if len(given) == 1 else (given[0], given[1])
        step = given[2] if len(given) > 2 else 1  # noqa: PLR2004 - start, stop, step
        return max(0, (stop - start) // step) if step else None
    if isinstance(node, nodes.List | nodes.Tuple):
        return len(node.items)
    if isinstance(node, nodes.Mul):
        return number(node)
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return len(node.value)
    return None


def number(node: nodes.Node, depth: int = 0) -> int | None:  # noqa: PLR0911 - one for each kind of node
    """Return the whole number that an expression of constants comes to, held below 10**18; None for any other."""
    if depth > 20:  # noqa: PLR2004 - nobody writes sums so deep
        return None
    if isinstance(node, nodes.Const) and isinstance(node.value, int | float) and abs(node.value) < 1e18:  # noqa: PLR2004
        return int(node.value)
    if isinstance(node, nodes.Neg):
        value = number(node.node, depth + 1)
        return None if value is None else -value
    if not isinstance(node, nodes.BinExpr):
        return None
    left, right = number(node.left, depth + 1), number(node.right, depth + 1)
    if isinstance(node, nodes.Mul) and right is None and isinstance(node.left, nodes.List | nodes.Const):
        return None
    if left is None or right is None:
        if isinstance(node, nodes.Mul) and right is not None and isinstance(node.left, nodes.List | nodes.Tuple):
            return len(node.left.items) * right
        return None
    return _calculated(node, left, right)


def _calculated(node: nodes.BinExpr, left: int, right: int) -> int | None:
    if isinstance(node, nodes.Pow):
        return 10**18 if abs(left) > 1 and right > _MOST_POWER else left ** min(max(right, 0), _MOST_POWER)
    if isinstance(node, nodes.Mul):
        return min(left * right, 10**18)
    if isinstance(node, nodes.Add):
        return left + right
    if isinstance(node, nodes.Sub):
        return left - right
    return None


def _always_calls(body: list[nodes.Node], name: str) -> bool:
    """Whether statements that run whatever the case call `name`."""
    for node in body:
        if isinstance(node, nodes.If | nodes.For | nodes.Macro | nodes.CallBlock):
            continue
        for call in node.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == name and not any(node.find_all(nodes.CondExpr)):
                return True
    return False


def _of_node(node: nodes.Node) -> str:
    if isinstance(node, nodes.Mul):
        size = number(node.right) or number(node.left)
        if size and size > _MOST_CHARACTERS and number(node) is None:
            return f"repeats a text or list {_about(size)} times"
    elif isinstance(node, nodes.Pow) and (number(node) or 0) >= 10**18:
        return "raises a number to a power that fills the memory"
    elif isinstance(node, nodes.Const | nodes.TemplateData):
        text = node.data if isinstance(node, nodes.TemplateData) else node.value
        return _of_text(text) if isinstance(text, str) else ""
    elif isinstance(node, nodes.Call | nodes.Filter):
        return _of_padding(node)
    return ""


def _of_text(text: str) -> str:
    if (width := _WIDTH.search(text)) and int(width[1][:18]) > _MOST_CHARACTERS:
        return f"pads a text to {_about(int(width[1][:18]))} characters"
    if _LONG_BLANK.search(text):
        return "holds a long stretch of blanks, which hides what stands after it from a reader"
    return ""


def _of_padding(node: nodes.Call | nodes.Filter) -> str:
    called = node.name if isinstance(node, nodes.Filter) else _method(node.node)
    if called not in _PADDERS:
        return ""
    given = [number(arg) or 0 for arg in [*node.args, *(pair.value for pair in node.kwargs)]]
    size = max(given, default=0)
    return f"pads a text to {_about(size)} characters with `{called}`" if size > _MOST_CHARACTERS else ""


def _method(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.name if isinstance(node, nodes.Name) else ""


def _about(size: int) -> str:
    return f"{size:,}" if size < 10**15 else "more than 10**15"
