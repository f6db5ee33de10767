"""Follow a message's text through a template: which expressions depend on what a person wrote, or on the date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Taint", "taint_of"]

_CONTENT = frozenset({"content", "text", "reasoning_content", "prompt", "query"})
_WHOLE = frozenset({"messages", "message", "conversation"})
_TO_TEXT = frozenset({"string", "tojson", "join", "lower", "upper", "safe", "trim", "map", "list"})
_DATES = frozenset({"strftime_now", "date_string", "datetime", "now", "today", "current_date", "time"})
_ROUNDS = 4

Kind = TypeVar("Kind", bound=nodes.Node)


@dataclass(frozen=True, slots=True)
class Taint:
    """The names that hold a message's text, and those that hold a date."""

    content: frozenset[str]
    dates: frozenset[str]

    def has_content(self, node: nodes.Node) -> bool:
        """Whether an expression depends on the text of a message."""
        return _has(node, self.content, _CONTENT) or _is_whole_text(node)

    def has_date(self, node: nodes.Node) -> bool:
        """Whether an expression depends on the date."""
        return any(one.name in self.dates | _DATES for one in _self_and(node, nodes.Name))


def taint_of(tree: nodes.Template) -> Taint:
    """Return which names of a template hold a message's text or a date, by a few passes over what it sets."""
    taint = Taint(frozenset(), frozenset())
    pairs: list[tuple[nodes.Node, nodes.Node]] = [(node.target, node.node) for node in tree.find_all(nodes.Assign)]
    pairs += [(node.target, node.iter) for node in tree.find_all(nodes.For)]
    for _ in range(_ROUNDS):
        content, dates = set(taint.content), set(taint.dates)
        for target, value in pairs:
            names = [_name(one) for one in (target.items if isinstance(target, nodes.Tuple) else [target])]
            if taint.has_content(value):
                content.update(filter(None, names))
            if taint.has_date(value):
                dates.update(filter(None, names))
        after = Taint(frozenset(content), frozenset(dates))
        if after == taint:
            break
        taint = after
    return taint


def _name(node: nodes.Node) -> str:
    if isinstance(node, nodes.NSRef):
        return f"{node.name}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


def _has(node: nodes.Node, names: frozenset[str], attributes: frozenset[str]) -> bool:
    if any(one.name in names for one in _self_and(node, nodes.Name)):
        return True
    for one in _self_and(node, nodes.Getattr):
        if one.attr in attributes or (isinstance(one.node, nodes.Name) and f"{one.node.name}.{one.attr}" in names):
            return True
    keys = [one.arg.value for one in _self_and(node, nodes.Getitem) if isinstance(one.arg, nodes.Const)]
    return any(key in attributes for key in keys if isinstance(key, str))


def _is_whole_text(node: nodes.Node) -> bool:
    """Whether all messages are made one text: `messages | string`, `messages[-1] | tojson`."""
    for one in _self_and(node, nodes.Filter):
        if one.name in _TO_TEXT and one.node is not None:
            names = [name.name for name in _self_and(one.node, nodes.Name)]
            return any(name in _WHOLE for name in names) and not _reads_role(one.node)
    return False


def _reads_role(node: nodes.Node) -> bool:
    """Whether an expression looks up who speaks, not what is said."""
    attributes = any(one.attr == "role" for one in _self_and(node, nodes.Getattr))
    return attributes or any(one.value == "role" for one in _self_and(node, nodes.Const))


def _self_and(node: nodes.Node, kind: type[Kind]) -> Iterable[Kind]:
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)
