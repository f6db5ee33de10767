"""The programs of `hostile_programs.toml`, for the laws of a sandbox."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from weighbridge.sandbox.protocol import Verdict

__all__ = ["HostileProgram", "hostile_programs"]

Family = Literal["honest", "forgery", "escape", "ending", "undecided"]


@dataclass(frozen=True, slots=True)
class HostileProgram:
    """A program, the host's tests of it, and the verdicts that it may end with."""

    code: str
    tests: str
    verdicts: frozenset[Verdict]

    @property
    def is_endless(self) -> bool:
        """Whether it runs until a limit of time ends it: then any limit shows the same."""
        return self.verdicts <= {Verdict.TIMEOUT, Verdict.FAILED} and Verdict.TIMEOUT in self.verdicts


@cache
def hostile_programs(family: Family) -> dict[str, HostileProgram]:
    """Return the programs of a family by name.

    Honest ones must pass; undecided ones get no verdict; a forgery may end in every other way; an
    escape says "refused" of what it tried; an ending names its own verdicts.
    """
    table = tomllib.loads(files(__package__).joinpath("hostile_programs.toml").read_text(encoding="utf-8"))
    passed = frozenset({Verdict.PASSED})
    usual = {"forgery": frozenset(Verdict) - passed, "undecided": frozenset({Verdict.UNDECIDED})}
    tests = {"escape": "assert reached() == 'refused'"}.get(family, "assert double(2) == 4")
    return {
        name: HostileProgram(
            row["code"],
            row.get("tests", tests),
            frozenset(map(Verdict, row["verdicts"])) if "verdicts" in row else usual.get(family, passed),
        )
        for name, row in table[family].items()
    }
