"""List what a chat template can reach beyond the conversation: Python's insides, other files, unbounded work.

The rules follow what Jinja compiles to: `a.b`, `a['b']`, `a|attr('b')` and filters with `attribute=` all end in
Python's `getattr`. A renderer without a sandbox (llama-cpp-python before 0.2.72, CVE-2024-34359) runs what they reach;
sandboxes had holes for the same words (CVE-2025-27516).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jinja2 import nodes

from weighbridge.formats.place import quote
from weighbridge.inspection.templates.fold import constants_of, fold, is_assembled
from weighbridge.inspection.templates.work import heavy_work

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Capability", "capabilities_of"]

_DUNDER = re.compile(r"(?<![A-Za-z0-9])__[A-Za-z]\w*")
_HALF = re.compile(r"__[a-z]{2,}|[a-z]{2,}__")
_FRAMES = frozenset({
    "func_globals", "func_code", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "f_globals",
    "f_builtins", "f_locals", "f_back", "tb_frame", "tb_next", "im_func", "im_self", "mro",
})  # fmt: skip
_RUNNERS = frozenset({
    "popen", "Popen", "system", "getoutput", "getstatusoutput", "check_output", "check_call", "spawn", "execve",
    "execvp", "load_module", "import_module", "exec_module", "eval", "exec", "compile", "fromstring", "from_string",
    "subclasses", "urlopen", "create_connection",
})  # fmt: skip
_BUILTINS = frozenset({
    "eval", "exec", "compile", "open", "getattr", "setattr", "delattr", "globals", "locals", "vars", "dir", "input",
    "breakpoint", "__import__", "import_module", "os", "sys", "subprocess", "builtins", "importlib", "socket", "shutil",
    "request", "get_flashed_messages", "url_for", "self", "config", "lipsum",
})  # fmt: skip
_GIVERS = frozenset({"cycler", "joiner"})  # harmless to call, and the usual first step to Python's globals
_BY_ATTRIBUTE = frozenset({"map", "selectattr", "rejectattr", "groupby", "sort", "sum", "unique", "min", "max"})
_CALLABLE = frozenset({
    "namespace", "raise_exception", "strftime_now", "range", "dict", "caller", "super", "loop", "cycler", "joiner",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a template can do; `what` reads on after "the template".

    `code` reaches Python, `file` another file, `work` is unbounded, `call` asks for what no renderer is known to give.
    """

    kind: Literal["code", "file", "work", "call"]
    line: int
    what: str


def capabilities_of(tree: nodes.Template) -> list[Capability]:
    """Return what a template can do beyond laying out a conversation, each once, in the order of the lines."""
    known = constants_of(tree)
    own = _own_names(tree)
    found: dict[tuple[str, str], Capability] = {}
    for node in tree.find_all(nodes.Node):
        for kind, what in _of_node(node, known, own):
            found.setdefault((kind, what), Capability(kind, node.lineno or 1, what))
    for line, what in heavy_work(tree):
        found.setdefault(("work", what), Capability("work", line, what))
    return sorted(found.values(), key=lambda one: (one.line, one.what))


def _own_names(tree: nodes.Template) -> frozenset[str]:
    """Return the names that the template itself gives a value: set, loop and macro names, and macro arguments."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx in {"store", "param"}}
    own |= {node.name for node in tree.find_all(nodes.Macro)}
    return frozenset(own)


Said = tuple[Literal["code", "file", "work", "call"], str]


def _of_node(node: nodes.Node, known: dict[str, str], own: frozenset[str]) -> Iterator[Said]:  # noqa: C901 - a table
    if isinstance(node, nodes.Getattr):
        yield from _of_attribute(node.attr)
    elif isinstance(node, nodes.Getitem):
        yield from _of_item(node, known)
    elif isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield from _of_text(node.value)
    elif isinstance(node, nodes.Keyword):
        yield from _of_text(node.key)  # `dict(__class__=x)|list|first` spells a name without a literal
    elif isinstance(node, nodes.Filter | nodes.Test):
        yield from _of_filter(node, known)
    elif isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in own:
        yield from _of_name(node.name)
    elif isinstance(node, nodes.Call):
        yield from _of_call(node, known, own)
    elif isinstance(node, nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends):
        named = fold(node.template, known)
        shown = quote(named) if isinstance(named, str) else "a file chosen when it is rendered"
        yield "file", f"loads another file, {shown} (`{type(node).__name__.lower()}`)"
    elif isinstance(node, nodes.Concat | nodes.Add | nodes.Mod):
        folded = fold(node, known)
        if isinstance(folded, str) and _DUNDER.search(folded):
            yield "code", f"assembles the name {quote(folded)}"


def _of_attribute(name: str) -> Iterator[Said]:
    if name.startswith("__") or name in _FRAMES:
        yield "code", f"reads the attribute {quote(name)} of Python's insides"
    elif name.startswith("_"):
        yield "code", f"reads the private attribute {quote(name)}"


def _of_item(node: nodes.Getitem, known: dict[str, str]) -> Iterator[Said]:
    named = fold(node.arg, known)
    if isinstance(named, str):
        yield from _of_attribute(named)
        if is_assembled(node.arg) and named.startswith("_"):
            yield "code", f"assembles the name {quote(named)}"
    elif is_assembled(node.arg) and any(isinstance(c.value, str) for c in node.arg.find_all(nodes.Const)):
        yield "code", "looks up a name that it assembles from pieces"


def _of_text(text: str) -> Iterator[Said]:
    if (found := _DUNDER.search(text)) or (found := _HALF.fullmatch(text)):
        yield "code", f"holds the name {quote(found[0])} of Python's insides"


def _of_filter(node: nodes.Filter | nodes.Test, known: dict[str, str]) -> Iterator[Said]:
    given: list[nodes.Expr] = [*node.args, *(pair.value for pair in node.kwargs)]
    if isinstance(node, nodes.Filter) and node.name == "attr":
        named = fold(node.args[0], known) if node.args else None
        shown = quote(named) if isinstance(named, str) else "a name chosen when it is rendered"
        yield "code", f"reads {shown} with the filter `attr`, the usual way round a sandbox"
    elif node.name in _BY_ATTRIBUTE:
        for arg in given:
            named = fold(arg, known)
            if isinstance(named, str) and any(part.startswith("_") or part in _FRAMES for part in named.split(".")):
                yield "code", f"reads the attribute {quote(named)} with the filter `{node.name}`"
            elif named == "attr":
                yield "code", f"applies `attr` through the filter `{node.name}`"


def _of_name(name: str) -> Iterator[Said]:
    if name in _BUILTINS or name.startswith("__"):
        yield "code", f"uses `{name}`, which leads to Python itself and to no conversation"
    elif name in _GIVERS:
        yield "call", f"uses `{name}`"


def _of_call(node: nodes.Call, known: dict[str, str], own: frozenset[str]) -> Iterator[Said]:
    called = node.node
    if isinstance(called, nodes.Getattr):
        if called.attr in _RUNNERS:
            yield "code", f"calls `{called.attr}`"
        elif called.attr in {"format", "format_map"}:
            yield from _of_format(called.node, known)
    elif isinstance(called, nodes.Name) and called.name not in own | _CALLABLE | _BUILTINS:
        yield "call", f"calls {quote(called.name)}, which no known renderer gives to a template"
    elif isinstance(called, nodes.Getitem | nodes.Call | nodes.Filter):
        yield "call", "calls what another expression returns"


def _of_format(form: nodes.Expr, known: dict[str, str]) -> Iterator[Said]:
    """Find the attributes that a format string reads itself: `"{0.__class__}".format(x)`."""
    text = fold(form, known)
    if isinstance(text, str) and re.search(r"\{[^{}]*[.\[]", text):
        yield "code", f"reads attributes through the format {quote(text)}"
