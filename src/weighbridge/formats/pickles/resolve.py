"""What a call gives back where that is a name again: `getattr`, `import_module` and their like."""

from __future__ import annotations

from typing import Any

from weighbridge.formats.pickles.values import UNKNOWN, Data, Made, Name

__all__ = ["call_result"]

_GETATTR = Name("builtins", "getattr")
_IMPORTS = {Name("importlib", "import_module"), Name("builtins", "__import__"), Name("importlib", "__import__")}
_BY_TEXT = {Name("pkgutil", "resolve_name"), Name("pydoc", "locate")}
_DTYPE = Name("numpy", "dtype")
_ENCODE = Name("_codecs", "encode")  # how protocols 0 to 2 write bytes
_PAIR = 2


def call_result(callee: Any, arguments: Any) -> Any:  # noqa: PLR0911 - one return a function that is known
    """Return the name that a call finds, or what was made by it."""
    if not isinstance(arguments, tuple) or not arguments or callee.__class__ is not Name:
        return Made(callee)
    first = arguments[0]
    if callee == _ENCODE:
        return _encoded(first)
    if callee == _DTYPE:
        return Made(callee, arguments)
    if callee == _GETATTR and len(arguments) >= _PAIR and isinstance(arguments[1], str):
        if isinstance(first, Name):
            return Name(first.module, f"{first.name}.{arguments[1]}" if first.name else arguments[1])
        return Made(callee)
    if isinstance(first, str) and callee in _IMPORTS:
        return Name(first, "")
    if isinstance(first, str) and callee in _BY_TEXT:
        module, _, name = first.partition(":") if ":" in first else first.rpartition(".")
        return Name(module or name, name if module else "")
    return Made(callee)


def _encoded(text: Any) -> Any:
    """Return the bytes that a text stands for; of a long one where it lies."""
    if isinstance(text, str):
        return text.encode("latin-1", "replace")
    return text if isinstance(text, Data) else UNKNOWN
