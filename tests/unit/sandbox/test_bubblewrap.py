from __future__ import annotations

import struct

import pytest

from weighbridge.errors import SandboxUnavailable
from weighbridge.sandbox.bubblewrap import BubblewrapSandbox
from weighbridge.sandbox.protocol import Program, Verdict
from weighbridge.sandbox.seccomp import filter_program


def test_without_bwrap_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to get one, and runs nothing."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(SandboxUnavailable, match="not installed") as raised:
        BubblewrapSandbox()
    assert "apt install bubblewrap" in str(raised.value.hint)


def test_without_namespaces_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses user namespaces, bwrap's own words are told."""
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/false")
    with pytest.raises(SandboxUnavailable, match="cannot make a sandbox here: status 1"):
        BubblewrapSandbox()


def _verdict(program: bytes, machine: int, number: int, argument: int = 0) -> int:
    """Interpret a classic BPF program on one system call (the kernel's `struct seccomp_data`)."""
    data = struct.pack("<IIQ6Q", number, machine, 0, argument, 0, 0, 0, 0, 0)
    rules = list(struct.iter_unpack("<HBBI", program))
    place = value = 0
    while True:
        code, if_true, if_false, operand = rules[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x06:
            return int(operand)
        else:
            hit = {0x15: value == operand, 0x45: bool(value & operand), 0x35: value >= operand}[code]
            place += if_true if hit else if_false


# numbers: syscall_64.tbl and asm-generic/unistd.h of Linux; CLONE_THREAD is 0x10000, CLONE_VFORK 0x4000
@pytest.mark.parametrize(
    ("name", "x86", "arm", "argument", "action"),
    [
        ("read", 0, 63, 0, 0x7FFF0000),
        ("mmap", 9, 222, 0, 0x7FFF0000),
        ("execve", 59, 221, 0, 0x7FFF0000),
        ("clone as a thread", 56, 220, 0x10000 | 0x100, 0x7FFF0000),
        ("clone as a process", 56, 220, 0x4000, 0x00050001),
        ("clone3", 435, 435, 0, 0x00050000 | 38),
        ("socket", 41, 198, 0, 0x00050001),
        ("ptrace", 101, 117, 0, 0x00050001),
        ("unshare", 272, 97, 0, 0x00050001),
        ("io_uring_setup", 425, 425, 0, 0x00050001),
    ],
)
def test_the_filter_refuses_what_it_should(name: str, x86: int, arm: int, argument: int, action: int) -> None:
    """Run by an interpreter of this test's own: threads yes, processes, sockets and tracing no."""
    for machine, audit, number in (("x86_64", 0xC000003E, x86), ("aarch64", 0xC00000B7, arm)):
        program = filter_program(machine)
        assert program is not None
        assert _verdict(program, audit, number, argument) == action, name
        assert _verdict(program, 0x40000003, number) == 0x80000000  # i386 numbers mean other calls
    assert filter_program("riscv64") is None


def test_numpy_crosses_between_the_rooms() -> None:
    """Arrays and their numbers are data, so a suite's tests can use NumPy on them."""
    pytest.importorskip("numpy")
    try:
        sandbox = BubblewrapSandbox()
    except SandboxUnavailable as error:
        pytest.skip(error.message)
    code = "import numpy as np\ndef f(a): return a.T @ a, a.sum(), a > 1\n"
    tests = (
        "import numpy as np\nproduct, total, above = f(np.array([[1.0, 2.0]]))\n"
        "assert np.allclose(product, [[1, 2], [2, 4]]) and total == 3.0 and type(total) is np.float64\n"
        "assert above.dtype == bool and above.tolist() == [[False, True]]\n"
    )
    outcome = sandbox.run(Program(code, tests))
    assert (outcome.verdict, outcome.detail) == (Verdict.PASSED, "")
    assert sandbox.run(Program(code.replace("a.T @ a", "a"), tests)).verdict is Verdict.FAILED
