"""Find what switches a template's text: conditions on what a message says, on the date, on a count of turns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jinja2 import nodes

from weighbridge.inspection.templates.taint import Taint, taint_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Trigger", "literals_of", "replacements_of", "triggers_of"]

_WORDLIKE = re.compile(r"[^\W_][\w .,'!?:;-]*", re.UNICODE)
# kinds of content parts and the words of reasoning switches, which real templates look for in a message
_PLAIN = frozenset({
    "text", "image", "image_url", "video", "video_url", "audio", "audio_url", "input_audio", "file", "document", "json",
    "tool", "tool_call", "tool_calls", "thinking", "think", "type", "content", "reasoning", "system", "user",
    "assistant", "name", "function", "no_think", "nothink",
})  # fmt: skip
_METHODS = frozenset({
    "startswith", "endswith", "find", "index", "count", "rfind", "lower", "upper", "split", "casefold", "replace",
})  # fmt: skip
_SILENT = frozenset({"raise_exception", "strftime_now", "strftime", "startswith", "endswith", "split", "find"})
_FEW_TURNS = 2


@dataclass(frozen=True, slots=True)
class Trigger:
    """A condition that strangers' words, the date or the number of turns can meet, and the text that it then adds."""

    kind: Literal["content", "date", "turns"]
    line: int
    words: str
    adds: str


def triggers_of(tree: nodes.Template) -> list[Trigger]:
    """Return the conditions of a template that depend on content, date or turns, with the literal text behind them."""
    taint, listed = taint_of(tree), _listed(tree)
    found = []
    switches: list[nodes.If | nodes.CondExpr] = [*tree.find_all(nodes.If), *tree.find_all(nodes.CondExpr)]
    for node in switches:
        for kind, words in _conditions(node.test, taint, listed):
            adds = " ".join(literals_of(_branch(node)))
            found.append(Trigger(kind, node.lineno, words, adds))
    return found


def replacements_of(tree: nodes.Template) -> list[tuple[int, str, str]]:
    """Return where words of a message are replaced by others: line, old, new; mark-up may be replaced."""
    taint = taint_of(tree)
    found = []
    calls: list[nodes.Filter | nodes.Call] = [*tree.find_all(nodes.Filter), *tree.find_all(nodes.Call)]
    for node in calls:
        subject: nodes.Node | None
        if isinstance(node, nodes.Call):
            named = _called(node) == "replace" and isinstance(node.node, nodes.Getattr)
            subject = node.node.node if isinstance(node.node, nodes.Getattr) else None
        else:
            named, subject = node.name == "replace", node.node
        values = [arg.value for arg in node.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)]
        if named and subject is not None and len(values) > 1 and taint.has_content(subject) and _is_words(values[0]):
            found.append((node.lineno, values[0], values[1]))
    return found


def _branch(node: nodes.If | nodes.CondExpr) -> list[nodes.Node]:
    if isinstance(node, nodes.CondExpr):
        return [node.expr1, *([node.expr2] if node.expr2 is not None else [])]
    return [*node.body, *node.else_]


def literals_of(parts: list[nodes.Node]) -> list[str]:
    """Return the literal texts that statements write or set: not those of comparisons, errors, look-ups or tests."""
    texts: list[str] = []
    for part in parts:
        _collect(part, texts)
    return texts


def _collect(node: nodes.Node, texts: list[str], depth: int = 0) -> None:  # noqa: C901 - one for each kind of node
    if depth > 200:  # noqa: PLR2004 - the parser goes no deeper either
        return
    if isinstance(node, nodes.TemplateData):
        texts.append(node.data)
    elif isinstance(node, nodes.Const):
        if isinstance(node.value, str):
            texts.append(node.value)
    elif isinstance(node, nodes.Getitem):
        _collect(node.node, texts, depth + 1)
    elif isinstance(node, nodes.If | nodes.CondExpr):
        for part in (*_branch(node), *(node.elif_ if isinstance(node, nodes.If) else ())):
            _collect(part, texts, depth + 1)
    elif isinstance(node, nodes.Call) and _called(node) in _SILENT:
        return
    elif not isinstance(node, nodes.Compare | nodes.Test):
        for child in node.iter_child_nodes():
            _collect(child, texts, depth + 1)


def _called(node: nodes.Call) -> str:
    if isinstance(node.node, nodes.Getattr):
        return node.node.attr
    return node.node.name if isinstance(node.node, nodes.Name) else ""


def _conditions(  # noqa: C901 - one for each kind of test
    test: nodes.Node, taint: Taint, listed: Mapping[str, str]
) -> Iterator[tuple[Literal["content", "date", "turns"], str]]:
    """Yield what a test asks of the text, the date or the number of turns, with the constants that it compares to."""
    parts: list[nodes.Node] = [
        test,
        *test.find_all(nodes.Compare),
        *test.find_all(nodes.Call),
        *test.find_all(nodes.Test),
    ]
    for part in parts:
        if isinstance(part, nodes.Compare):
            words = _words(part, listed)
            if taint.has_date(part) and (words or _numbers(part)):
                yield "date", words or _numbers(part)
            elif taint.has_content(part) and _is_words(words):
                yield "content", words
            elif _counts_turns(part):
                yield "turns", _numbers(part)
        elif isinstance(part, nodes.Call) and _called(part) in _METHODS - {"lower", "upper", "split"}:
            words = " ".join(c.value for arg in part.args for c in _consts(arg) if isinstance(c.value, str))
            if taint.has_date(part) and words:
                yield "date", words
            elif taint.has_content(part) and _is_words(words):
                yield "content", words
        elif isinstance(part, nodes.Test) and part.name in {"in", "eq", "equalto", "search", "match", "contains"}:
            words = " ".join(c.value for arg in part.args for c in _consts(arg) if isinstance(c.value, str))
            if (taint.has_content(part) or any(map(taint.has_content, part.args))) and _is_words(words):
                yield "content", words


def _consts(node: nodes.Node) -> list[nodes.Const]:
    return [node] if isinstance(node, nodes.Const) else list(node.find_all(nodes.Const))


def _listed(tree: nodes.Template) -> dict[str, str]:
    """Return the names that stand for constant texts: set to them, or run through a list of them."""
    pairs: list[tuple[nodes.Node, nodes.Node]] = [(node.target, node.node) for node in tree.find_all(nodes.Assign)]
    pairs += [(node.target, node.iter) for node in tree.find_all(nodes.For)]
    return {
        target.name: " ".join(c.value for c in _consts(value) if isinstance(c.value, str))
        for target, value in pairs
        if isinstance(target, nodes.Name) and isinstance(value, nodes.Const | nodes.List | nodes.Tuple)
    }


def _words(node: nodes.Compare, listed: Mapping[str, str]) -> str:
    """Return the texts that are compared with: not the keys by which the other side is looked up."""
    sides = [node.expr, *(op.expr for op in node.ops)]
    plain = [side for side in sides if isinstance(side, nodes.Const | nodes.List | nodes.Tuple)]
    named = [listed[side.name] for side in sides if isinstance(side, nodes.Name) and side.name in listed]
    return " ".join([*named, *(c.value for side in plain for c in _consts(side) if isinstance(c.value, str))])


def _numbers(node: nodes.Compare) -> str:
    sides = [node.expr, *(op.expr for op in node.ops)]
    return " ".join(str(side.value) for side in sides if isinstance(side, nodes.Const) and isinstance(side.value, int))


def _is_words(words: str) -> bool:
    """Whether constants are words of a person, not mark-up, empty, or the name of a kind of content."""
    parts = words.split()
    return bool(_WORDLIKE.fullmatch(words.strip())) and not all(part.strip(".,").lower() in _PLAIN for part in parts)


def _counts_turns(node: nodes.Compare) -> bool:
    """Whether the number of messages is compared with a constant of more than two."""
    lengths = [one for one in node.find_all(nodes.Filter) if one.name in {"length", "count"} and _of_messages(one.node)]
    numbers = [op.expr.value for op in node.ops if isinstance(op.expr, nodes.Const) and isinstance(op.expr.value, int)]
    return bool(lengths) and any(number > _FEW_TURNS for number in numbers)


def _of_messages(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.Name) and "messages" in node.name
