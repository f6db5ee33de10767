"""Find the program in a model's answer: fenced, bare, or the continuation of a prompt.

Nothing is parsed here: an answer may be built to break a parser. Where an answer can be read in several ways, all
are returned in order, and the sandbox takes the first that is Python.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

__all__ = ["Reading", "read_program"]

_MAX_CHARACTERS = 200_000
_FENCE = re.compile(r"[ \t]{0,12}(`{3,12}|~{3,12})[ \t]{0,4}([\w+#.-]{0,20})[^\n`]{0,200}")
_PYTHON = frozenset({"", "python", "python3", "py", "py3", "python-repl", "pycon"})
_OTHERS_SAY_CODE = frozenset({"code", "text", "plaintext", "sql"})
_CODE_LINE = re.compile(
    r"(?:def|class|import|from|async|@|#|if|elif|else|for|while|try|except|finally|with|return|raise|assert|pass|del"
    r"|global|print)\b|@\w|#|[\])}]|\"\"\"|'''|[A-Za-z_][\w.]{0,60}(?:\[[^\]\n]{0,60}\])? ?(?:[-+*/|&]?=|\(|:)"
)
_STOPS = re.compile(r"^(?:class|def|if|print|@|#|assert|import|from|async|>>>|\[DONE\]|</code>|<\|)", re.MULTILINE)
_MARKS = re.compile(r"\[/?(?:BEGIN|DONE|PYTHON|ANSWER|CODE)\]")
_HARMLESS = re.compile(r"(?:import|from|def|class|@|#|async|[\])}]|[A-Z_][A-Z_0-9]{0,60} ?=|[ \t]|$)")


@dataclass(frozen=True, slots=True)
class Reading:
    """The programs an answer can be read as, likeliest first; `whole` is False where its end may have been cut off."""

    programs: tuple[str, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Block:
    """One fenced block."""

    language: str
    text: str
    closed: bool


def read_program(text: str, prompt: str = "", names: tuple[str, ...] = ()) -> Reading:
    """Return what an answer can be read as. `prompt` is the beginning it may go on from, `names` what is asked for."""
    text = text[:_MAX_CHARACTERS].replace("\r\n", "\n")
    blocks = [one for one in _blocks(text) if one.language in _PYTHON | _OTHERS_SAY_CODE and one.text.strip()]
    if blocks:
        return _fenced(blocks, prompt, names)
    finished = "[DONE]" in text
    bare = text.partition("[DONE]")[0] if finished else text
    bare = _MARKS.sub("", bare)
    if not bare.strip():
        return Reading(())
    if not prompt or _defines(bare, names):
        code, ended = _without_prose(bare)
        return Reading(_with_beginning(code, prompt, names), whole=finished or ended)
    body, ended = _until_stop(bare)
    return Reading(_continued(body, prompt), whole=finished or ended)


def _blocks(text: str) -> list[_Block]:
    """Return the fenced blocks; one that is never closed reaches to the end."""
    blocks: list[_Block] = []
    lines: list[str] = []
    opened: re.Match[str] | None = None
    for line in text.split("\n"):
        fence = _FENCE.fullmatch(line.rstrip())
        if opened is None:
            opened, lines = fence, []
        elif fence and fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2]:
            blocks.append(_Block(opened[2].lower(), "\n".join(lines), closed=True))
            opened = None
        else:
            lines.append(line)
    if opened is not None:
        blocks.append(_Block(opened[2].lower(), "\n".join(lines), closed=False))
    return blocks


def _fenced(blocks: list[_Block], prompt: str, names: tuple[str, ...]) -> Reading:
    """Take the first block that defines what is asked for, with the definitions in blocks before it."""
    place = next((index for index, one in enumerate(blocks) if _defines(one.text, names)), None)
    if place is None and prompt:
        body = blocks[0]
        return Reading(_continued(body.text, prompt), whole=body.closed)
    chosen = blocks[place or 0]
    before = [one.text for one in blocks[: place or 0] if all(map(_HARMLESS.match, one.text.split("\n")))]
    code = textwrap.dedent("\n".join([*before, _MARKS.sub("", chosen.text)]))
    return Reading(_with_beginning(code, prompt, names), whole=chosen.closed)


def _defines(text: str, names: tuple[str, ...]) -> bool:
    """Whether a function, a class or a variable of one of the names is defined."""
    return any(
        re.search(rf"(?m)^[ \t]{{0,12}}(?:async +)?(?:def|class) +{re.escape(name)}\b|^{re.escape(name)} *=", text)
        for name in names
    )


def _with_beginning(code: str, prompt: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Put what stands before the asked definition in the prompt (imports, helpers) before a whole program."""
    start = min(
        (at.start() for name in names if (at := re.search(rf"(?m)^def +{re.escape(name)}\b", prompt))), default=0
    )
    beginning = prompt[:start]
    return (f"{beginning.rstrip()}\n\n{code}", code) if beginning.strip() else (code,)


def _continued(body: str, prompt: str) -> tuple[str, ...]:
    """Go on from the prompt: as it stands, with the blanks that a server cut off, or as a body that lost its depth."""
    prompt = prompt.rstrip(" \t")
    start = prompt if prompt.endswith("\n") else prompt + "\n"
    body = body.strip("\n") if body.startswith("\n") else body.rstrip()
    ways = (start + body, start + "    " + body.lstrip(), start + textwrap.indent(textwrap.dedent(body), "    "))
    return tuple(dict.fromkeys(ways))


def _until_stop(text: str) -> tuple[str, bool]:
    """Cut a continuation where the next definition begins (Chen et al. 2021, section 2.1); say whether it was."""
    begins = re.search(r"\S", text)
    stop = _STOPS.search(text, begins.end()) if begins else None
    if stop is None:
        return text, False
    return text[: stop.start()], True


def _without_prose(text: str) -> tuple[str, bool]:
    """Keep the lines of a bare program: from its first line to the first sentence behind it; say if there was one."""
    kept: list[str] = []
    for line in text.split("\n"):
        is_code = not line.strip() or line[0] in " \t" or _CODE_LINE.match(line) is not None
        if is_code:
            kept.append(line)
        elif any(one.strip() for one in kept):
            if any(one.startswith((" ", "\t")) for one in kept):
                return "\n".join(kept), True
            kept = []  # a sentence that looked like code
    return "\n".join(kept), False
