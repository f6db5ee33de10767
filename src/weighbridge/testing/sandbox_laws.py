"""The laws of a sandbox: what every implementation of `weighbridge.sandbox.protocol.Sandbox` must keep.

In the test module of a sandbox, for pytest:

    TestMySandbox = laws_of_a_sandbox(MySandbox)

The programs are hostile. None reaches beyond its room: the worst of them stop themselves in the sandbox.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from weighbridge.sandbox.protocol import Limits, Outcome, Program, Verdict
from weighbridge.testing.hostile_programs import hostile_programs
from weighbridge.testing.law import hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.sandbox.protocol import Sandbox
    from weighbridge.testing.hostile_programs import Family

__all__ = ["SandboxLaws", "laws_of_a_sandbox"]

_SHORT = Limits(seconds=0.7, memory_bytes=192 << 20, output_bytes=64 << 10)
_SHORTEST = Limits(seconds=0.2, memory_bytes=192 << 20, output_bytes=64 << 10)  # for what runs until it is ended
_AMPLE = Limits(memory_bytes=192 << 20)
_DOUBLE = "def double(x):\n    return x * 2\n"


class SandboxLaws:
    """One method a law. `sandbox` returns the implementation under test, the same each time."""

    def sandbox(self) -> Sandbox:
        """Return a sandbox; overridden for the implementation under test."""
        raise NotImplementedError

    def _run(self, code: str, tests: str = "", limits: Limits = _AMPLE) -> Outcome:
        return self.sandbox().run(Program(code, tests, limits=limits))

    def test_a_right_program_passes_and_a_wrong_one_does_not(self) -> None:
        """The tests decide; a failure names the exception."""
        hold(self._run(_DOUBLE, "assert double(2) == 4").verdict is Verdict.PASSED, "a right program passes")
        wrong = self._run(_DOUBLE, "assert double(2) == 5, 'four'")
        hold(wrong.verdict is Verdict.FAILED, "a wrong program fails")
        hold(wrong.detail == "AssertionError: four", "the exception is told")

    def _hold_all(self, family: Family, law: str, limits: Limits) -> None:
        for name, one in hostile_programs(family).items():
            outcome = self._run(one.code, one.tests, _SHORTEST if one.is_endless else limits)
            hold(outcome.verdict in one.verdicts, f"{law}: {name}: {outcome.verdict.value} {outcome.detail}")

    def test_honest_programs_pass(self) -> None:
        """What a program may return, take, change, raise and yield crosses between the rooms unharmed."""
        self._hold_all("honest", "an honest program passes", _AMPLE)

    def test_no_program_forges_its_success(self) -> None:
        """Printing, patching, leaving, tracing, hunting for the token, equal-to-everything: none passes."""
        self._hold_all("forgery", "no program forges its success", _AMPLE)

    def test_no_program_reaches_out(self) -> None:
        """Files of the host, sockets, processes, the environment: each attempt is refused inside the room."""
        self._hold_all("escape", "a program reaches nothing", _AMPLE)

    def test_every_program_ends(self) -> None:
        """Loops, floods, bombs and broken interpreters end within their limits, with a verdict that says why."""
        self._hold_all("ending", "a program ends as it must", _SHORT)

    def test_nothing_stays_between_programs(self) -> None:
        """What one program changed, the next does not find."""
        self._run("import builtins, sys\nbuiltins.left = sys.left = 1\nlen.__self__.print = None")
        code = "import builtins, sys\ndef left():\n    return hasattr(builtins, 'left') or hasattr(sys, 'left')"
        hold(self._run(code, "assert left() is False").verdict is Verdict.PASSED, "nothing stays between programs")

    def test_a_program_reads_what_it_is_given_and_its_output_is_kept(self) -> None:
        """With `stdin` a program runs as a script; what it prints comes back, bounded, as text."""
        code = "import sys\nif __name__ == '__main__':\n    print(sum(map(int, sys.stdin.read().split())), '\u4e2d')"
        outcome = self.sandbox().run(Program(code, stdin="1 2 3", limits=_AMPLE))
        hold((outcome.verdict, outcome.output) == (Verdict.PASSED, "6 \u4e2d\n"), "a script reads and prints")

    def test_what_no_room_can_decide_is_undecided(self) -> None:
        """A failure that the walls or the tests may have caused is no verdict; nor are tests that call nothing."""
        self._hold_all("undecided", "what no room can decide is undecided", _AMPLE)
        code = "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return True\n"
        outcome = self._run(code, "assert P(1) == P(2)")
        hold(outcome.verdict is Verdict.UNDECIDED, "what cannot be decided is undecided")

    def test_hostile_text_is_bounded(self) -> None:
        """A message of a megabyte, with control characters, is told in one short visible line."""
        outcome = self._run("raise ValueError('\\x1b[2J\\n' * 200000)")
        hold(outcome.verdict is Verdict.FAILED, "a program that raises fails")
        hold(len(outcome.detail) <= 400 and outcome.detail.isprintable(), "what is told is short and visible")  # noqa: PLR2004 - the bound


def laws_of_a_sandbox(make: Callable[[], Sandbox]) -> type[SandboxLaws]:
    """Return a test class for the sandbox that `make` makes; it is made once, at the first law."""
    made = cache(make)

    class LawsOfThisSandbox(SandboxLaws):
        def sandbox(self) -> Sandbox:
            return made()

    return LawsOfThisSandbox
