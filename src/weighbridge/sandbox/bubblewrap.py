"""The sandbox of Linux namespaces: CPython under `bwrap`, one process for each room, where NumPy is needed.

No network, no other process, no file but the interpreter and its packages, read-only; memory and time by limits
that the process cannot raise, new processes by a filter of system calls. What protects the host is the kernel:
that is more to trust than WebAssembly.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.progress import silent
from weighbridge.errors import SandboxUnavailable
from weighbridge.sandbox.conversation import MAX_MESSAGE, Ended, judge
from weighbridge.sandbox.protocol import Outcome, Verdict
from weighbridge.sandbox.seccomp import filter_program

if TYPE_CHECKING:
    from weighbridge.core.progress import Progress
    from weighbridge.sandbox.protocol import Limits, Program

__all__ = ["BubblewrapSandbox"]

_GUEST = Path(__file__).parent / "guest"
_MODULES = ("numpy",)
_OVERHEAD_BYTES = 512 << 20  # address space that the interpreter and NumPy map before any program runs
_SCRATCH_BYTES = 16 << 20
_LOOK_S = 0.1
_TRY_S = 20
_HINT = "install it: `apt install bubblewrap`; it also needs user namespaces that users may make"
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}


class BubblewrapSandbox:
    """Runs programs under `bwrap`. Raises SandboxUnavailable where it is missing, or namespaces are."""

    name = "bubblewrap"
    modules: frozenset[str] = frozenset(name for name in _MODULES if find_spec(name) is not None)

    def __init__(self, progress: Progress = silent) -> None:  # noqa: ARG002 - nothing here takes long
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxUnavailable("`bwrap` is not installed", hint=_HINT)
        self._command = [program, *_walls(), "--", sys.executable, "-P", "-s", "-S", "-c", _start()]
        said = _try(program)
        if said:
            raise SandboxUnavailable(f"`bwrap` cannot make a sandbox here: {said}", hint=_HINT)

    def run(self, program: Program) -> Outcome:
        """Run one program; whatever it leaves behind ends with its room."""
        rooms = _ProcessRooms(self._command, program.limits)
        try:
            verdict, detail = judge(program, rooms)
        finally:
            rooms.close()
        if rooms.flooded:
            verdict, detail = Verdict.OUTPUT_FLOOD, ""
        text = bytes(rooms.output[: program.limits.output_bytes]).decode("utf-8", "replace")
        return Outcome(verdict, detail, text, rooms.seconds)

    def close(self) -> None:
        """Nothing is held between programs."""


def _walls() -> list[str]:
    """Return bwrap's options: what there is, is the interpreter, read-only."""
    shown: dict[str, None] = dict.fromkeys(["/usr", "/lib", "/lib64", "/etc/ld.so.cache"])
    shown |= dict.fromkeys([sys.base_prefix, sys.prefix, *_package_folders()])
    binds = [part for path in shown if Path(path).exists() for part in ("--ro-bind", path, path)]
    variables = [part for name, value in _ENVIRONMENT.items() for part in ("--setenv", name, value)]
    return [
        "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL",
        "--die-with-parent", "--new-session", "--clearenv", *variables,
        # before the binds, or it would hide an interpreter that is installed below /tmp
        "--size", str(_SCRATCH_BYTES), "--tmpfs", "/tmp",  # noqa: S108 - the room's own
        *binds, "--ro-bind", str(_GUEST), "/room/guest",
        "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom",
        "--remount-ro", "/", "--chdir", "/tmp", "--hostname", "room",  # noqa: S108 - the room's own
    ]  # fmt: skip


def _package_folders() -> list[str]:
    """Return where the packages that programs may import are installed."""
    return [path for path in site.getsitepackages() if any(Path(path, name).is_dir() for name in _MODULES)]


def _start() -> str:
    """Return what the interpreter runs: it sees `/room`, and packages, and no `sitecustomize`."""
    return f"import sys; sys.path += ['/room', *{_package_folders()!r}]; from guest.process import main; main()"


@cache
def _try(program: str) -> str:
    """Make an empty sandbox; return nothing where that works, else what bwrap says."""
    try:
        done = subprocess.run(
            [program, *_walls(), "--", "/usr/bin/env", "true"], capture_output=True, timeout=_TRY_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:200]
    if done.returncode == 0:
        return ""
    return " ".join(done.stderr.decode("utf-8", "replace").split())[:200] or f"status {done.returncode}"


class _Room:
    """One process and its two pipes."""

    def __init__(self, command: list[str], limits: Limits) -> None:
        ask_end, self._asks = os.pipe()
        self.answers, tell_end = os.pipe()
        filtered = filter_program()
        inherited = [ask_end, tell_end]
        options: list[str] = []
        with tempfile.TemporaryFile() as rules:
            if filtered is not None:
                rules.write(filtered)
                rules.seek(0)
                inherited.append(rules.fileno())
                options = ["--seccomp", str(rules.fileno())]
            memory = str(limits.memory_bytes + _OVERHEAD_BYTES)
            numbers = [str(ask_end), str(tell_end), memory, str(int(limits.seconds) + 2)]
            self.process = subprocess.Popen(
                [command[0], *options, *command[1:], *numbers],
                pass_fds=inherited, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        os.close(ask_end)
        os.close(tell_end)
        os.set_blocking(self._asks, False)
        self.pending = bytearray()
        self.received = bytearray()
        self.has_line = False

    def send(self, text: str) -> None:
        """Put a message into the queue."""
        self.pending += text.encode() + b"\n"

    def write_some(self) -> None:
        """Write what the pipe takes."""
        with suppress(BlockingIOError, BrokenPipeError):
            del self.pending[: os.write(self._asks, self.pending)]

    @property
    def inlet(self) -> int:
        """The descriptor that messages are written to."""
        return self._asks

    def close(self) -> None:
        """End the process and everything in its namespace."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for descriptor in (self._asks, self.answers):
            with suppress(OSError):
                os.close(descriptor)
        if self.process.stdout is not None:
            self.process.stdout.close()


class _ProcessRooms:
    """The two rooms of one program, the time they have, and what the cell prints."""

    def __init__(self, command: list[str], limits: Limits) -> None:
        self._command = command
        self._limits = limits
        self._rooms: dict[str, _Room] = {}
        self._end = time.monotonic() + limits.wall_seconds
        self.output = bytearray()
        self.flooded = False
        self.seconds = 0.0

    def ask_cell(self, message: str) -> str:
        """Send a message to the cell; what it says is one line that begins with "="."""
        answer = self._exchange("cell", message)
        if not answer.startswith("="):
            raise Ended(Verdict.CRASHED, "the program called out of its room")
        return answer[1:]

    def ask_bench(self, message: str) -> str:
        """Send a message to the bench, and carry its questions into the cell until it has an answer."""
        answer = self._exchange("bench", message)
        while answer.startswith("?"):
            answer = self._exchange("bench", self.ask_cell(answer[1:]))
        return answer[1:]

    def _exchange(self, name: str, message: str) -> str:
        """Send one line and wait for one line."""
        if name not in self._rooms:
            self._rooms[name] = _Room(self._command, self._limits)
        room = self._rooms[name]
        room.send(message.replace("\n", " "))
        with selectors.DefaultSelector() as selector:
            selector.register(room.answers, selectors.EVENT_READ)
            selector.register(room.inlet, selectors.EVENT_WRITE)
            printed = room.process.stdout.fileno() if room.process.stdout else None
            if printed is not None:
                selector.register(printed, selectors.EVENT_READ)
            while not room.has_line:
                self._wait(selector, room, printed)
        line, _, rest = bytes(room.received).partition(b"\n")
        room.received, room.has_line = bytearray(rest), b"\n" in rest
        return line.decode("ascii", "replace")

    def _wait(self, selector: selectors.BaseSelector, room: _Room, printed: int | None) -> None:
        """Move what can be moved; raises Ended at the end of the time, of the process or of patience."""
        if time.monotonic() > self._end or _cpu_seconds(room.process.pid) > self._limits.seconds:
            raise Ended(Verdict.TIMEOUT, f"more than {self._limits.seconds:g} s")
        for key, _ in selector.select(_LOOK_S):
            if key.fd == room.inlet:
                room.write_some()
                if not room.pending:
                    selector.unregister(room.inlet)
                continue
            data = os.read(key.fd, 1 << 16)
            if key.fd == printed:
                self._print(data)
                if not data:
                    selector.unregister(key.fd)
            elif not data:
                raise self._gone(room)
            else:
                room.received += data
                room.has_line |= b"\n" in data
                if len(room.received) > MAX_MESSAGE:
                    raise Ended(Verdict.OUTPUT_FLOOD, f"an answer of more than {MAX_MESSAGE >> 20} MiB")

    def _print(self, data: bytes) -> None:
        """Keep a bounded part of the output; more is a flood."""
        space = self._limits.output_bytes - len(self.output)
        self.output += data[:space]
        if len(data) > space:
            self.flooded = True
            raise Ended(Verdict.OUTPUT_FLOOD, "")

    @staticmethod
    def _gone(room: _Room) -> Ended:
        """Say how a process ended that should have answered."""
        status = room.process.wait()
        if status in (128 + signal.SIGXCPU, 128 + signal.SIGKILL):
            return Ended(Verdict.TIMEOUT, "the kernel ended it for its use of the processor")
        return Ended(Verdict.CRASHED, f"the program left the interpreter with status {status}")

    def close(self) -> None:
        """End both rooms."""
        self.seconds = sum(_cpu_seconds(room.process.pid) for room in self._rooms.values())
        for room in self._rooms.values():
            room.close()


def _cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and its children, those still running by what `/proc` says of them."""
    total = 0.0
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        total = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            total += _cpu_seconds(int(child))
    return total
