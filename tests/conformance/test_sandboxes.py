from __future__ import annotations

import shutil
import threading
from importlib.util import find_spec

import pytest

from weighbridge.errors import SandboxUnavailable
from weighbridge.sandbox.protocol import Limits, Outcome, Program, Verdict
from weighbridge.testing.sandbox_laws import laws_of_a_sandbox

if find_spec("wasmtime") and find_spec("componentize_py"):
    from weighbridge.sandbox.wasm import WasmSandbox

    TestWasmSandbox = laws_of_a_sandbox(WasmSandbox)

    def test_a_program_that_sleeps_leaves_no_thread_behind() -> None:
        """A wait is ended with its room: neither its thread nor its memory stays."""
        before = threading.active_count()
        code = "import time\ntime.sleep(10**6)"
        outcome = WasmSandbox().run(Program(code, limits=Limits(seconds=0.1)))
        assert (outcome.verdict, threading.active_count()) == (Verdict.TIMEOUT, before)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put into the host's environment what no program may read."""
    monkeypatch.setenv("WEIGHBRIDGE_SECRET_FOR_LAWS", "secret")


def _bubblewrap_works() -> bool:
    """Whether this machine lets a user make namespaces."""
    from weighbridge.sandbox.bubblewrap import BubblewrapSandbox

    try:
        BubblewrapSandbox()
    except SandboxUnavailable:
        return False
    return True


if shutil.which("bwrap") and _bubblewrap_works():
    from weighbridge.sandbox.bubblewrap import BubblewrapSandbox

    TestBubblewrapSandbox = laws_of_a_sandbox(BubblewrapSandbox)


class Gullible:
    """A sandbox that breaks one law: it believes what the program prints. It runs nothing."""

    name = "gullible"
    modules: frozenset[str] = frozenset()

    def run(self, program: Program) -> Outcome:
        """Believe."""
        return Outcome(Verdict.PASSED if "passed" in program.code else Verdict.FAILED)

    def close(self) -> None:
        """Hold nothing."""


def test_the_laws_notice_a_sandbox_that_believes_what_is_printed() -> None:
    """A kit that passes everything proves nothing."""
    laws = laws_of_a_sandbox(Gullible)()
    with pytest.raises(AssertionError, match="forges its success: says that it passed"):
        laws.test_no_program_forges_its_success()
