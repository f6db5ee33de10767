"""Mark a program by the suite's own tests, in a sandbox: HumanEval, MBPP and whatever else brings tests along.

An item says in `data`: `test` and `entry_point` with the `prompt` that an answer may go on from (HumanEval, where
`test` defines `check`), or `tests`, a list of statements (MBPP, which names it `test_list`, with `test_setup_code`).
Tests that are defined and called by nobody are called; tests that call nothing mark nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.engine.protocol import Outcome
from weighbridge.errors import SandboxUnavailable
from weighbridge.evaluation.item import Score, Unscored
from weighbridge.evaluation.scorers.reading.program import read_program
from weighbridge.sandbox.choice import choose
from weighbridge.sandbox.protocol import Limits, Program, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.item import Item
    from weighbridge.sandbox.protocol import Outcome as Ending
    from weighbridge.sandbox.protocol import Sandbox

__all__ = ["code", "ready"]

_MADE: dict[frozenset[str], Sandbox] = {}
_SAID = 400
_LIMITS = Limits()
_NEEDS = re.compile(r"(?m)^[ \t]{0,40}(?:import|from)[ \t]+(numpy)\b")
_OF_THE_ITEM = "the item's tests "
_NOT_PYTHON = ("SyntaxError", "IndentationError", "TabError")
_ASKED = re.compile(r"\b([A-Za-z_]\w{0,80})\s?\(")
_NAME = re.compile(r"[A-Za-z_]\w{0,200}")


@dataclass(frozen=True, slots=True)
class _Task:
    """What an item brings: its tests, what they rest on, and the names that the program must define."""

    tests: str
    prompt: str = ""
    names: tuple[str, ...] = ()


def ready(items: Sequence[Item], progress: Progress = silent) -> None:
    """Make the sandbox that these items need; raises SandboxUnavailable before anything was asked."""
    _sandbox(frozenset(), progress)
    tasks = [task for item in items if (task := _task(item)) is not None]
    _sandbox(frozenset(need for task in tasks for need in _NEEDS.findall(f"{task.prompt}\n{task.tests}")), progress)


def code(item: Item, completion: Completion) -> Score | Unscored:
    """Run the program of an answer against the item's tests; `said` tells how a wrong one failed.

    An answer that the token limit cut is unscored, unless its program was whole by then. One that holds no program
    is wrong. Raises SandboxUnavailable where nothing can run it.
    """
    task = _task(item)
    if task is None:
        return Unscored("the item has no tests")
    wanted = task.names or tuple(dict.fromkeys(_ASKED.findall(task.tests)))
    reading = read_program(completion.text, task.prompt, wanted)
    if completion.outcome is Outcome.TRUNCATED and not reading.whole:
        return Unscored("truncated")
    if not reading.programs:
        return Unscored("empty") if not completion.text.strip() else Score("wrong", "no program")
    needs = frozenset(_NEEDS.findall("\n".join((reading.programs[0], task.prompt, task.tests))))
    try:
        sandbox = _sandbox(needs)
    except SandboxUnavailable:
        if not needs:
            raise
        return Unscored(f"no sandbox here has {', '.join(needs)}")
    return _mark(_run(sandbox, reading.programs, task), reading.programs[0])


def _mark(ending: Ending, program: str) -> Score | Unscored:
    """Return the mark that an ending earns."""
    if ending.verdict is Verdict.UNDECIDED:
        own = ending.detail.startswith(_OF_THE_ITEM)  # the suite's fault, not the sandbox's
        return Unscored((ending.detail if own else f"the sandbox cannot decide: {ending.detail}")[:_SAID])
    if ending.verdict is Verdict.PASSED:
        return Score("right", program.strip()[:_SAID])
    return Score("wrong", f"{ending.verdict.value}: {ending.detail}".rstrip(": ")[:_SAID])


def _run(sandbox: Sandbox, programs: Sequence[str], task: _Task) -> Ending:
    """Run the first reading that is Python; the first one's failure is told where none is."""
    first: Ending | None = None
    for program in programs:
        ending = sandbox.run(Program(program, task.tests, task.prompt, task.names, limits=_LIMITS))
        if not (ending.verdict is Verdict.FAILED and ending.detail.startswith(_NOT_PYTHON)):
            return ending
        first = first or ending
    if first is None:
        raise ValueError(programs)
    return first


def _sandbox(needs: frozenset[str], progress: Progress = silent) -> Sandbox:
    """Return the sandbox of this process for programs with these needs."""
    if needs not in _MADE:
        _MADE[needs] = choose(needs, progress=progress)
    return _MADE[needs]


def _task(item: Item) -> _Task | None:
    """Read an item's data, or None where it brings no tests."""
    data = item.data
    entry = data.get("entry_point")
    test, prompt = data.get("test"), data.get("prompt", "")
    if isinstance(test, str) and test.strip() and isinstance(entry, str) and _NAME.fullmatch(entry):
        return _Task(test, prompt if isinstance(prompt, str) else "", (entry,))
    lines = _lines(data.get("test_setup_code")) + _lines(data.get("tests", data.get("test_list")))
    return _Task("\n".join(lines)) if lines else None


def _lines(value: Any) -> list[str]:
    """Return statements from a list of them or one text."""
    given = value if isinstance(value, (list, tuple)) else [value]
    return [one.replace("\r\n", "\n") for one in given if isinstance(one, str) and one.strip()]
