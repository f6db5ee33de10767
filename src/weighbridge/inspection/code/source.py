"""Read a Python file as syntax: what runs when it is imported, what its functions can do, what it hides."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.formats.place import quote
from weighbridge.inspection.code.names import Names, action_of, text_of
from weighbridge.inspection.code.on_import import run_at_import

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TRUSTS", "Action", "Source", "read_source"]

MAX_CHARACTERS = 2 << 20
_LONG_TEXT = 1000
_CODED = re.compile(r"[A-Za-z0-9+/=_\-]{1000,}|(?:\\x[0-9a-fA-F]{2}){200,}")
_FENCED = re.compile(r"pyarmor|pytransform|__pyarmor__|cython_obfus|_obfuscat|OBFUSCAT", re.IGNORECASE)
_TEXT_RUNNERS = frozenset({"exec", "eval", "builtins.exec", "builtins.eval", "compile", "marshal.loads"})
TRUSTS = "trusts remote code"
_TRUST = "trust_remote_code"
_LONGEST_NAME = 80
_WRITES = frozenset("wax+")
_METHODS = {
    "write_text": "changes files", "write_bytes": "changes files", "unlink": "changes files", "rmtree": "changes files",
    "extractall": "changes files", "load_library": "loads machine code",
}  # fmt: skip
_INSIDES = frozenset(
    {"__subclasses__", "__globals__", "__builtins__", "f_builtins", "f_globals", "gi_frame", "__code__"}
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that code does: "runs programs", by which name, at which line, and whether importing is enough."""

    what: str
    name: str
    line: int
    at_import: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What a Python file does: its actions, what it imports, what hides its meaning; not `is_code` for mere values."""

    actions: list[Action] = field(default_factory=list)
    imports: frozenset[str] = frozenset()
    hides: list[str] = field(default_factory=list)
    is_code: bool = True


def read_source(text: str) -> Source:
    """Return what a Python text does; raises DamagedFile for what Python cannot parse. Nothing is run."""
    if len(text) > MAX_CHARACTERS:
        raise DamagedFile(f"is {len(text)} characters of Python; at most {MAX_CHARACTERS} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strangers' escapes
            tree = ast.parse(text)
            names = Names(tree)
            actions = list(dict.fromkeys(_actions(tree, names)))
    except (SyntaxError, ValueError) as error:
        line = f" at line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise DamagedFile(f"is no Python that can be parsed{line}: {quote(str(error))}") from error
    except (RecursionError, MemoryError) as error:
        raise DamagedFile("is Python nested too deeply to be read") from error
    is_code = any(
        isinstance(node, ast.Call | ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(tree)
    )
    return Source(actions, frozenset(names.imports), list(_hides(text, tree)), is_code)


def _actions(tree: ast.Module, names: Names) -> Iterator[Action]:
    """Yield the actions of a module, those at import first."""
    at_import = {id(node) for node in run_at_import(tree)}
    found = [
        Action(what, name, call.lineno, id(call) in at_import)
        for call, name in [*names.calls(tree), *_methods(tree, names)]
        if (what := _what(call, name))
    ]
    found += [Action(TRUSTS, name, node.lineno, id(node) in at_import) for node, name in _trusting(tree)]
    yield from sorted(found, key=lambda one: (not one.at_import, one.line, one.name))


def _methods(tree: ast.Module, names: Names) -> Iterator[tuple[ast.expr, str]]:
    """Yield calls of methods that say what they do whatever they are called on."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Attribute) and call.attr in _INSIDES:
            yield call, call.attr
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr in _METHODS and names.dotted(call.func) is None:
            yield call, f".{call.func.attr}"


def _trusting(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield where `trust_remote_code` is set to true, and of which model: as a keyword, in a dict, by assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(k.arg == _TRUST and _is_true(k.value) for k in node.keywords):
            model = text_of(node.args[0]) if node.args else None
            yield node, model or ast.unparse(node.func)[:_LONGEST_NAME]
        elif isinstance(node, ast.Dict) and any(
            isinstance(key, ast.Constant) and key.value == _TRUST and _is_true(value)
            for key, value in zip(node.keys, node.values, strict=True)
        ):
            yield node, "a dictionary"
        elif isinstance(node, ast.Assign) and _is_true(node.value):
            told = [one for one in node.targets if _TRUST in {getattr(one, "attr", ""), getattr(one, "id", "")}]
            if told:
                yield node, ast.unparse(told[0])[:_LONGEST_NAME]


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(value.value)


def _what(call: ast.expr, name: str) -> str | None:  # noqa: PLR0911 - one for each harmless form
    """Say what one call does; harmless forms of dangerous names are None."""
    if name in _INSIDES:
        return "reaches into Python's insides"
    if not isinstance(call, ast.Call):
        return action_of(name)
    if name.startswith("."):
        return _METHODS[name[1:]]
    if name == "open":
        mode = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "mode"), None)
        text = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else ""
        return "changes files" if _WRITES & set(text) else None
    if name in {"torch.load", "numpy.load", "yaml.load"}:
        return _loads(call, name)
    if name in {"importlib.util.find_spec", "importlib.util.module_from_spec", "pickle.UnpicklingError"}:
        return None
    if name in {"__import__", "compile"} and call.args and isinstance(call.args[0], ast.Constant):
        return None  # an import by a name that can be read
    return action_of(name)


def _loads(call: ast.Call, name: str) -> str | None:
    """Say whether a loader may unpickle: by its own default or by what it is told."""
    told = {k.arg: k.value.value for k in call.keywords if k.arg and isinstance(k.value, ast.Constant)}
    if name == "torch.load":
        return None if told.get("weights_only") is True else "loads pickles"
    if name == "numpy.load":
        return "loads pickles" if told.get("allow_pickle") is True else None
    loader = next((ast.unparse(k.value) for k in call.keywords if k.arg == "Loader"), "") or (
        ast.unparse(call.args[1]) if len(call.args) > 1 else ""
    )
    return None if "Safe" in loader or "Base" in loader else "loads pickles"


def _hides(text: str, tree: ast.Module) -> Iterator[str]:
    """Yield what keeps a reader from seeing what the code does."""
    if _FENCED.search(text):
        yield "is written by an obfuscator"
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and len(node.value) >= _LONG_TEXT:
            plain = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if _CODED.search(plain) or sum(not c.isprintable() and c not in "\n\t\r" for c in plain) > _LONG_TEXT // 4:
                yield f"holds {len(node.value):,} characters of coded data at line {node.lineno}"
                break
