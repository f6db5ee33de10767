"""The sandbox protocol: `run(program) -> Outcome`.

Every sandbox keeps two rooms. The *cell* runs the model's code; the *bench* runs the tests, against stand-ins whose
calls the host carries into the cell as plain data. So the code under test never shares an interpreter with what
judges it: it sees arguments, and no test, expected value or token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

__all__ = ["Limits", "Outcome", "Program", "Sandbox", "Verdict"]


class Verdict(StrEnum):
    """How a program ended. UNDECIDED says nothing about the program; every other but PASSED is a failure."""

    PASSED = "passed"
    FAILED = "failed"  # an exception, in the program or in a test
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    OUTPUT_FLOOD = "output flood"
    CRASHED = "crashed"  # the interpreter itself was ended: `os._exit`, the stack
    UNDECIDED = "undecided"  # the tests need what cannot cross between the rooms


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use: CPU seconds (four times as many by the clock), bytes of memory a room, bytes of output.

    Time is the processor's, so that a busy machine turns no right answer into a wrong one.
    """

    seconds: float = 5.0
    memory_bytes: int = 256 << 20
    output_bytes: int = 256 << 10

    @property
    def wall_seconds(self) -> float:
        """Seconds by the clock after which a program that waits, rather than computes, is ended, too."""
        return 4 * self.seconds + 2


@dataclass(frozen=True, slots=True)
class Program:
    """What the model wrote, and the host's tests of it.

    `tests` are statements that raise where the program is wrong; empty, a program passes by running to its end.
    `preamble` are definitions of the suite's own that the tests use. `names` are what the tests take from the code,
    even over a builtin; empty, it is what the tests use and nobody else defines. With `stdin` the code runs as
    `__main__` and reads it.
    """

    code: str
    tests: str = ""
    preamble: str = ""
    names: tuple[str, ...] = ()
    stdin: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended; `detail` is one bounded line, `output` what the code printed, `seconds` CPU time."""

    verdict: Verdict
    detail: str = ""
    output: str = ""
    seconds: float = 0.0


class Sandbox(Protocol):
    """What runs programs.

    Made with `progress`, which shows what takes long once; raises SandboxUnavailable where it cannot run here.
    """

    name: str
    modules: frozenset[str]
    """Third-party modules that programs can import here."""

    def run(self, program: Program) -> Outcome:
        """Run one program in rooms of its own; raises nothing for what the program does."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...
