"""Fold the constant parts of a template's expressions: which text an assembled name comes to. Nothing is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["constants_of", "fold", "is_assembled"]

_LONGEST = 4096
_DEPTH = 40
_CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "strip": str.strip,
}
_BUILDERS = frozenset({"join", "reverse", "replace", "format", "lower", "upper", "trim", "string", "list", "first"})

Folded = str | int | list[str] | None


def constants_of(tree: nodes.Template) -> dict[str, str]:
    """Return the names that a template sets to a text known beforehand, in the order of the template."""
    known: dict[str, str] = {}
    for node in tree.find_all(nodes.Assign):
        if isinstance(node.target, nodes.Name) and isinstance(value := fold(node.node, known), str):
            known[node.target.name] = value
    return known


def is_assembled(node: nodes.Expr) -> bool:
    """Whether an expression builds a text from parts: concatenation, `%`, joining, reversing, replacing."""
    if isinstance(node, nodes.Concat | nodes.Mod):
        return True
    if isinstance(node, nodes.Add | nodes.Mul):
        return any(isinstance(c.value, str) for c in node.find_all(nodes.Const)) or any(node.find_all(nodes.Concat))
    if isinstance(node, nodes.Filter):
        return node.name in _BUILDERS
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Getattr) and node.node.attr in {"join", "replace", "format", "decode"}
    return isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Const)


def fold(node: nodes.Node | None, known: Mapping[str, str], depth: int = 0) -> Folded:
    """Return the text, number or list of texts that an expression comes to, or None where it depends on anything."""
    if node is None or depth > _DEPTH:
        return None
    value = _fold(node, known, depth + 1)
    return value if not isinstance(value, str | list) or len(value) <= _LONGEST else None


def _fold(node: nodes.Node, known: Mapping[str, str], depth: int) -> Folded:  # noqa: PLR0911 - one for each kind of node
    if isinstance(node, nodes.Const):
        return node.value if isinstance(node.value, str | int) else None
    if isinstance(node, nodes.Name):
        return known.get(node.name)
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Concat):
        return _joined([fold(part, known, depth) for part in node.nodes])
    if isinstance(node, nodes.List | nodes.Tuple):
        return _texts([fold(item, known, depth) for item in node.items])
    if isinstance(node, nodes.BinExpr):
        return _binary(node, fold(node.left, known, depth), fold(node.right, known, depth))
    if isinstance(node, nodes.Getitem):
        return _item(fold(node.node, known, depth), node.arg, known, depth)
    if isinstance(node, nodes.Filter):
        return _filter(node, known, depth)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return _method(node, node.node, known, depth)
    return None


def _joined(parts: list[Folded], between: str = "") -> str | None:
    texts = _texts(parts)
    return None if texts is None else between.join(texts)


def _texts(parts: list[Folded]) -> list[str] | None:
    texts = [str(part) for part in parts if isinstance(part, str | int)]
    return texts if len(texts) == len(parts) else None


def _binary(node: nodes.BinExpr, left: Folded, right: Folded) -> Folded:
    if isinstance(left, str) and isinstance(right, str) and isinstance(node, nodes.Add):
        return left + right
    if isinstance(left, str) and isinstance(right, int) and isinstance(node, nodes.Mul) and 0 <= right <= _LONGEST:
        return left * min(right, _LONGEST)
    if isinstance(node, nodes.Mod) and isinstance(left, str) and right is not None:
        return _formatted(left, [right] if isinstance(right, str | int) else list(right))
    return None


def _formatted(form: str, values: list[str | int]) -> str | None:
    """Return `form % values` for plain `%s`, `%c` and `%d`: widths would let a template claim any length."""
    pieces = form.replace("%d", "%s").replace("%c", "%s").split("%s")
    if len(pieces) != len(values) + 1 or "%" in "".join(pieces):
        return None
    said = [chr(v) if isinstance(v, int) and "%c" in form and 0 <= v < 0x110000 else str(v) for v in values]  # noqa: PLR2004 - end of Unicode
    return "".join(a + b for a, b in zip(pieces, [*said, ""], strict=True))


def _item(value: Folded, arg: nodes.Expr, known: Mapping[str, str], depth: int) -> Folded:
    if not isinstance(value, str | list):
        return None
    if isinstance(arg, nodes.Slice):
        parts = [part and fold(part, known, depth) for part in (arg.start, arg.stop, arg.step)]
        numbers = [part if isinstance(part, int) else _negative(raw) for part, raw in
                   zip(parts, (arg.start, arg.stop, arg.step), strict=True)]  # fmt: skip
        return value[slice(*numbers)] if numbers[2] != 0 else None
    index = fold(arg, known, depth)
    if isinstance(index, int) and -len(value) <= index < len(value):
        return value[index]
    return None


def _negative(node: nodes.Expr | None) -> int | None:
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and isinstance(node.node.value, int):
        return -node.node.value
    return None


def _filter(node: nodes.Filter, known: Mapping[str, str], depth: int) -> Folded:
    value = fold(node.node, known, depth)
    given = [fold(arg, known, depth) for arg in node.args]
    if node.name == "join" and isinstance(value, str | list):
        return (given[0] if given and isinstance(given[0], str) else "").join(value)
    if not isinstance(value, str):
        return None
    if node.name == "format":
        return _formatted(value, [part for part in given if isinstance(part, str | int)])
    if node.name == "reverse":
        return value[::-1]
    return _changed(node.name, value, given)


def _method(node: nodes.Call, method: nodes.Getattr, known: Mapping[str, str], depth: int) -> Folded:
    value = fold(method.node, known, depth)
    given = [fold(arg, known, depth) for arg in node.args]
    if not isinstance(value, str):
        return None
    if method.attr == "join" and given and isinstance(given[0], str | list):
        return value.join(given[0])
    if method.attr == "format":
        return _formatted(value.replace("{}", "%s"), [part for part in given if isinstance(part, str | int)])
    return _changed(method.attr, value, given)


def _changed(name: str, value: str, given: list[Folded]) -> str | None:
    if name in _CASES:
        return _CASES[name](value)
    if name == "replace" and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], str):  # noqa: PLR2004 - old and new
        return value.replace(given[0], given[1]) if len(given[1]) * len(value) < _LONGEST else None
    return value if name in {"string", "safe"} else None
