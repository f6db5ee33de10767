"""The sandbox in WebAssembly: CPython as a component on wasmtime, a new instance for each room of each program.

There are no files, no sockets, no processes, no threads and no environment in there; memory is bounded by the
store, time by the engine's epoch. Modules with C code (NumPy) are absent.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.errors import SandboxUnavailable
from weighbridge.sandbox.conversation import MAX_MESSAGE, Ended, judge
from weighbridge.sandbox.protocol import Outcome, Verdict

try:
    import wasmtime
    from wasmtime.component import Linker

    from weighbridge.sandbox.component import cached_component
except ImportError as error:
    raise SandboxUnavailable(
        "the WebAssembly sandbox is not installed", hint="install it: `pip install 'weighbridge[sandbox]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmtime.component import Func

    from weighbridge.core.progress import Progress
    from weighbridge.sandbox.protocol import Program

__all__ = ["WasmSandbox"]

_STACK_BYTES = 48 << 20  # CPython counts a shadow stack of 1 MB; this lets it see the end of that one first
_THREAD_STACK_BYTES = 4 * _STACK_BYTES  # two rooms, one calling the other, and the host between them
_LOOK_S = 0.02
_GRACE_S = 2.0
_TRAPS = {
    "call stack exhausted": "the stack of the interpreter is exhausted",
    "unreachable": "the interpreter gave up",
}


@dataclass(slots=True)
class _Run:
    """One program under way, in a thread of its own: the processor's time is then that thread's."""

    program: Program
    output: bytearray = field(default_factory=bytearray)
    flooded: bool = False
    late: bool = False
    clock: int | None = None
    began: float = 0.0
    cell: _Room | None = None
    is_in_cell: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    verdict: tuple[Verdict, str] = (Verdict.TIMEOUT, "")
    seconds: float = 0.0

    def used(self) -> float:
        """CPU seconds of the run so far."""
        if self.clock is None:
            return 0.0
        try:
            return time.clock_gettime(self.clock) - self.began
        except OSError:  # the thread has ended in this moment, and its clock with it
            return self.seconds


@dataclass(slots=True)
class _Room:
    """One instance, its store and the bytes it may use."""

    store: wasmtime.Store
    serve: Func


class WasmSandbox:
    """Runs programs in WebAssembly; one at a time for each sandbox (ADR 8).

    `progress` shows the one-time build. Raises SandboxUnavailable where the extra is missing or nothing can be built.
    """

    name = "wasm"
    modules: frozenset[str] = frozenset()

    def __init__(self, progress: Progress = silent) -> None:
        config = wasmtime.Config()
        config.epoch_interruption = True
        _set_stack(config)
        self._engine = wasmtime.Engine(config)
        self._component = cached_component(self._engine, progress)
        self._here = threading.local()
        self._lock = threading.Lock()
        self._linker = Linker(self._engine)
        self._linker.add_wasip2()
        with self._linker.root() as root:
            root.add_func("reach", self._reach)

    def run(self, program: Program) -> Outcome:
        """Run one program; a thread that a room holds up in a wait is left behind and ends with the process."""
        with self._lock:
            run = _Run(program)
            before = threading.stack_size(_THREAD_STACK_BYTES)
            try:
                thread = threading.Thread(target=self._work, args=(run,), daemon=True)
                thread.start()
            finally:
                threading.stack_size(before)
            self._watch(run)
            limit = program.limits.output_bytes
            text = bytes(run.output[:limit]).decode("utf-8", "replace")
            return Outcome(*run.verdict, text, run.seconds)

    def close(self) -> None:
        """Nothing is held between programs but the compiled code."""

    def _watch(self, run: _Run) -> None:
        """Wait for the end of a run, and end it when its time is over."""
        limits, started = run.program.limits, time.monotonic()
        wait = min(_LOOK_S, limits.seconds)
        while not run.done.wait(wait):
            wall = time.monotonic() - started
            if run.used() >= limits.seconds or wall >= limits.wall_seconds or run.flooded:
                run.late = not run.flooded
                self._engine.increment_epoch()
                if not run.done.wait(_GRACE_S):
                    run.verdict = Verdict.TIMEOUT, f"no end after {wall:.0f} s by the clock"
                    run.seconds = run.used()
                    return

    def _work(self, run: _Run) -> None:
        """Judge the program (the body of the run's thread)."""
        clock = time.pthread_getcpuclockid(threading.get_ident())
        run.began = time.clock_gettime(clock)
        run.clock = clock
        self._here.run = run
        try:
            verdict = judge(run.program, _WasmRooms(self, run))
        except Ended as end:
            verdict = end.verdict, end.detail
        except wasmtime.WasmtimeError as error:
            verdict = self._ended(error, run)
        run.seconds = run.used()
        run.verdict = (Verdict.OUTPUT_FLOOD, "") if run.flooded else verdict
        run.cell = None
        run.done.set()

    def enter(self, run: _Run, *, is_cell: bool) -> _Room:
        """Return a new room; it has memory and time, and the cell a place to print to."""
        store = wasmtime.Store(self._engine)
        store.set_epoch_deadline(1)
        store.set_limits(memory_size=run.program.limits.memory_bytes)
        wasi = wasmtime.WasiConfig()
        if is_cell:
            wasi.stdout_custom = wasi.stderr_custom = self._printer(run)
        store.set_wasi(wasi)
        serve = self._linker.instantiate(store, self._component).get_func(store, "serve")
        if serve is None:
            raise SandboxUnavailable("the component has no entry")
        return _Room(store, serve)

    def ask(self, room: _Room, run: _Run, message: str) -> str:
        """Have a room answer; raises Ended where it is ended."""
        try:
            answer = str(room.serve(room.store, message))
        except wasmtime.ExitTrap as error:
            raise Ended(Verdict.CRASHED, f"the program left the interpreter with status {error.code}") from None
        except wasmtime.WasmtimeError as error:
            verdict, detail = self._ended(error, run)
            raise Ended(verdict, detail) from None
        if len(answer) > MAX_MESSAGE:
            raise Ended(Verdict.OUTPUT_FLOOD, f"an answer of more than {MAX_MESSAGE >> 20} MiB")
        return answer

    def ask_cell(self, run: _Run, message: str) -> str:
        """Have the cell of a run answer; it is made when it is asked first."""
        if run.cell is None:
            run.cell = self.enter(run, is_cell=True)
        run.is_in_cell = True
        try:
            return self.ask(run.cell, run, message)
        finally:
            run.is_in_cell = False

    def _reach(self, _store: Any, message: str) -> str:
        """Carry a message of the bench into the cell; a cell that asks is asking nobody."""
        run: _Run = self._here.run
        if run.is_in_cell:
            raise Ended(Verdict.CRASHED, "the program called out of its room")
        return self.ask_cell(run, message)

    @staticmethod
    def _ended(error: wasmtime.WasmtimeError, run: _Run) -> tuple[Verdict, str]:
        """Say how a room was ended."""
        if run.late:
            limits = run.program.limits
            return Verdict.TIMEOUT, f"more than {limits.seconds:g} s of CPU, or {limits.wall_seconds:g} s by the clock"
        said = str(error)
        known = next((words for sign, words in _TRAPS.items() if sign in said), None)
        return Verdict.CRASHED, known or said.strip().rsplit("\n", 1)[-1].strip()[:200]

    @staticmethod
    def _printer(run: _Run) -> Callable[[bytes], None]:
        """Return what takes the cell's output: a bounded part is kept, and a flood ends the run."""

        def take(data: bytes) -> None:
            room = run.program.limits.output_bytes - len(run.output)
            run.output += data[: max(room, 0)]
            run.flooded |= len(data) > room

        return take


class _WasmRooms:
    """The two rooms of one run, made when they are asked first."""

    def __init__(self, sandbox: WasmSandbox, run: _Run) -> None:
        self._sandbox = sandbox
        self._run = run

    def ask_cell(self, message: str) -> str:
        """Send a message to the cell."""
        return self._sandbox.ask_cell(self._run, message)

    def ask_bench(self, message: str) -> str:
        """Send a message to the bench."""
        return self._sandbox.ask(self._sandbox.enter(self._run, is_cell=False), self._run, message)


def _set_stack(config: wasmtime.Config) -> None:
    """Give rooms a deep stack where this wasmtime lets us; else deep recursion in C ends a room sooner."""
    with suppress(AttributeError, ImportError):  # the package has no property for it yet
        from wasmtime import _bindings as bindings

        bindings.wasmtime_config_async_stack_size_set(config.ptr(), _STACK_BYTES)
        config.max_wasm_stack = _STACK_BYTES
