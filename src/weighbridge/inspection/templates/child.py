"""Render one template from standard input in this process, which has limits of its own: `python -I -m` runs it.

The renderer is that of transformers: Jinja's immutable sandbox with `raise_exception`, `strftime_now` and `tojson`.
"""

from __future__ import annotations

import encodings.unicode_escape  # noqa: F401 - Jinja decodes literals with it, and nothing can be imported once the limits hold
import json
import resource
import sys
from typing import Any, NoReturn

import jinja2.debug  # noqa: F401 - as above
from jinja2.exceptions import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from weighbridge.formats.chat_template import Generation
from weighbridge.inspection.templates.conversations import CONVERSATIONS, conversation

__all__ = ["main"]

_CPU_SECONDS = 3
_MEMORY_BYTES = 512 << 20
_MOST_CHARACTERS = 200_000


class _Refused(Exception):
    """The template itself refuses a conversation."""


def _refuse(message: str) -> NoReturn:
    raise _Refused(message)


def _as_json(value: Any, indent: int | None = None, *, ensure_ascii: bool = False, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def main() -> None:
    """Limit this process, read a template, write what each conversation becomes as JSON, or how it fails."""
    b"x".decode("unicode-escape")
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # nothing more is opened: no file, no socket
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = {name: _render(name) for name in CONVERSATIONS} if _prepare(sys.stdin.read()) else {}
    json.dump(said, sys.stdout)


_PREPARED: list[Any] = []


def _prepare(text: str) -> bool:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    environment.globals.update(raise_exception=_refuse, strftime_now=lambda form: "26 Jul 2024" if form else "")
    try:
        _PREPARED.append(environment.from_string(text))
    except (TemplateError, RecursionError, SyntaxError, ValueError):
        return False
    return True


def _render(name: str) -> dict[str, str]:
    size, pieces = 0, []
    try:
        for piece in _PREPARED[0].generate(
            messages=conversation(name), add_generation_prompt=True, bos_token="<s>", eos_token="</s>",  # noqa: S106
            unk_token="<unk>", pad_token="<pad>",  # noqa: S106 - tokens of a vocabulary
        ):  # fmt: skip
            size += len(piece)
            if size > _MOST_CHARACTERS:
                return {"error": "too long"}
            pieces.append(piece)
    except _Refused as error:
        return {"refused": str(error)[:200]}
    except Exception as error:  # noqa: BLE001 - a stranger's template fails in any way it likes
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    return {"text": "".join(pieces)}


if __name__ == "__main__":
    main()
