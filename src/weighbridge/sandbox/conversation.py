"""What every sandbox says to its two rooms, and how it takes their answers; the rooms differ, the talk does not."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.sandbox.protocol import Verdict

if TYPE_CHECKING:
    from weighbridge.sandbox.protocol import Program

__all__ = ["MAX_MESSAGE", "Ended", "Rooms", "judge"]

_TEXT = 400
MAX_MESSAGE = 64 << 20  # characters of one answer; every sandbox holds its rooms to it


class Ended(Exception):
    """A room was ended from outside; carries the verdict."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.detail = detail


class Rooms(Protocol):
    """One program's two rooms. Both methods raise Ended where the room is ended."""

    def ask_cell(self, message: str) -> str:
        """Send a message to the room of the model's code, and return its answer."""
        ...

    def ask_bench(self, message: str) -> str:
        """Send a message to the room of the tests; it reaches the cell on its own."""
        ...


def judge(program: Program, rooms: Rooms) -> tuple[Verdict, str]:
    """Run a program and its tests; return the verdict and one line.

    Passed is what the bench alone can say, by giving back a token that the cell never hears of.
    """
    try:
        loaded = _read(rooms.ask_cell(json.dumps({"do": "load", "code": program.code, "stdin": program.stdin})))
        if "raised" in loaded:
            return _failure(_name(loaded["raised"]), loaded.get("text"))
        if not program.tests:
            return Verdict.PASSED, ""
        token = secrets.token_hex(32)
        wanted = {
            "do": "judge", "tests": program.tests, "preamble": program.preamble, "names": list(program.names),
            "token": token,
        }  # fmt: skip
        said = _read(rooms.ask_bench(json.dumps(wanted)))
    except Ended as end:
        return end.verdict, end.detail[:_TEXT]
    if secrets.compare_digest(str(said.get("token")).encode(), token.encode()):
        return Verdict.PASSED, ""
    if said.get("undecided"):
        return Verdict.UNDECIDED, _line(said["undecided"])
    return _failure(said.get("failed"), said.get("text"))


def _read(text: str) -> dict[str, Any]:
    """Read an answer of a room, which the program may have made up: anything odd is a failure of the program."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Ended(Verdict.CRASHED, "the room's answer cannot be read") from error
    if not isinstance(said, dict):
        raise Ended(Verdict.CRASHED, "the room's answer cannot be read")
    return said


def _name(node: object) -> object:
    """Return the name of an error from its node."""
    return node[2] if isinstance(node, list) and len(node) > 2 else None  # noqa: PLR2004 - tag, number, name


def _failure(name: object, text: object) -> tuple[Verdict, str]:
    """Return the verdict on an exception."""
    said = _line(f"{name}: {text}" if text else name)
    return (Verdict.OUT_OF_MEMORY if name == "MemoryError" else Verdict.FAILED), said


def _line(text: object) -> str:
    """Return foreign text as one bounded line of visible characters."""
    shown = "".join(character if character.isprintable() else " " for character in str(text)[: 2 * _TEXT])
    return " ".join(shown.split())[:_TEXT]
