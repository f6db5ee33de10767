"""Readers of pickles, archives, arrays and graphs under hostile bytes: no crash, no hang, bounded memory."""

from __future__ import annotations

import pickle
import pickletools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.finding import Effect
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.pickles.machine import Bounds, Machine
from weighbridge.formats.pickles.scan import scan_pickles
from weighbridge.formats.source import Held, Reader
from weighbridge.inspection.safety.readers import look
from weighbridge.inspection.safety.report import FilePart, Report
from weighbridge.testing.hostile_archives import hostile_files
from weighbridge.testing.hostile_pickles import hostile_pickles

if TYPE_CHECKING:
    from weighbridge.formats.pickles.values import Use

OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
ARGUMENTS = st.one_of(
    st.binary(max_size=9),
    st.sampled_from([b"os\nsystem\n", b"\x02os", b"\x00\x00\x00\x80", b"\xff" * 8, b"1\n", b"'a'\n", b"99999999999\n"]),
)
STREAMS = st.lists(st.tuples(st.sampled_from(OPCODES), ARGUMENTS), max_size=60).map(
    lambda parts: b"".join(code + argument for code, argument in parts)
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=700))
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner))
)
FILES = [data for data, _ in hostile_files().values()]
RSS_LIMIT_KIB = 200 * 1024


def _look(data: bytes, name: str = "f") -> Report:
    report, source = Report(name), Held(data)
    look(FilePart(name, source, format_of_source(source, name)), report)
    return report


@given(STREAMS)
def test_any_stream_of_opcodes_comes_to_an_end(data: bytes) -> None:
    """Known opcodes in any order with any arguments: every pickle ends, with a reason where not by STOP."""
    uses: list[Use] = []
    scanned = scan_pickles(Held(data), uses.append)
    assert all(end.why or data[end.at - 1 : end.at] == b"." for end in scanned.ends)
    assert scanned.rest_at <= len(data)


@given(VALUES, st.integers(0, 5))
def test_what_cpython_writes_is_followed_to_its_stop(value: Any, protocol: int) -> None:
    """As many steps as `pickletools` counts, no trouble, and nothing that does more than build data."""
    data = pickle.dumps(value, protocol)
    end = Machine(Reader(Held(data)), lambda _: None, Bounds()).run()
    assert (end.why, end.at, end.steps) == ("", len(data), sum(1 for _ in pickletools.genops(data)))
    if len(data) > 8:
        assert [found for found in _look(data, "f.pkl").findings if found.effect is not None] == []


@given(st.sampled_from(list(hostile_pickles().values())), VALUES, st.integers(0, 5))
def test_a_payload_is_found_behind_any_pickle(payload: bytes, value: Any, protocol: int) -> None:
    """A loader that goes on reading runs the second pickle too."""
    report = _look(pickle.dumps([value, "longer than a few bytes"], max(2, protocol)) + b"\x80\x04" + payload)
    assert any(found.effect is Effect.RUNS_CODE for found in report.findings)


@settings(max_examples=150)
@given(
    st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=9)), max_size=5), st.booleans()
)
def test_changed_files_are_read_without_an_error(data: bytes, changes: list[tuple[int, bytes]], cut: bool) -> None:
    """Bytes written over anywhere, and a cut: a report, whatever it says."""
    changed = bytearray(data)
    for at, piece in changes:
        place = at % len(changed)
        changed[place : place + len(piece)] = piece
    if cut and changes:
        del changed[changes[0][0] % len(changed) :]
    _look(bytes(changed), "f.pt")


@given(st.text("()[]{}',:|<OSUfi0123456789L \x1f\u0663", max_size=60))
def test_any_header_of_an_array_is_read_or_refused(shape: str) -> None:
    """A fuzzer found a shape with a control character that `int` strips in one place and not in another."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}".encode()
    report = _look(b"\x93NUMPY\x03\x00" + len(header).to_bytes(4, "little") + header)
    assert "numpy-objects" in report.looked


@given(
    st.binary(max_size=400),
    st.sampled_from([b"PK\x03\x04", b"\x93NUMPY\x01\0", b"\x80\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c"]),
)
def test_any_bytes_behind_a_magic_are_read_without_an_error(data: bytes, magic: bytes) -> None:
    """A promise of a format that is not kept."""
    _look(magic + data)


def test_a_pickle_of_too_many_steps_is_given_up() -> None:
    """Bounded, and said so: what comes after was not looked at."""
    end = Machine(Reader(Held(b"\x80\x04" + b"N0" * 600 + b".")), lambda _: None, Bounds(steps=1000)).run()
    assert (end.is_bounded, end.steps, end.why) == (True, 1000, "has more steps than are followed")


_MEASURE = """
import sys
from pathlib import Path
from weighbridge.formats.magic import format_of_source
from weighbridge.formats.pickles.machine import Bounds, Machine
from weighbridge.formats.source import Held, Reader
from weighbridge.inspection.safety.readers import look
from weighbridge.inspection.safety.report import FilePart, Report
def peak():  # a child's maxrss begins at its parent's
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
source = Held(eval(sys.argv[1]))
share = int(sys.argv[2])
before = peak()
if share == 1:
    look(FilePart("f", source, format_of_source(source, "f")), Report("f"))
else:
    usual = Bounds()
    Machine(Reader(source), lambda _: None, Bounds(*(getattr(usual, name) // share for name in Bounds.__slots__))).run()
print(peak() - before)
"""


@pytest.mark.parametrize(
    ("expression", "share"),
    [
        ("b'\\x80\\x04' + b'(' * 1_000_000", 1),
        ("b'\\x80\\x04' + b'(' * 400_000", 20),
        ("b'\\x80\\x04' + b']\\x94' * 300_000", 20),
        ("b'\\x80\\x04' + b''.join(b'\\x8c\\x03%03d\\x94' % n for n in range(1000)) * 500", 20),
        ("b'\\x80\\x04' + b'](K\\x01K\\x02e' * 200_000", 20),
        ("b'\\x80\\x04)' + b'\\x85' * 500_000 + b'.'", 20),
        # an archive of 0.3 MB, 300 MB unpacked: little work, and much to hold, were it held
        (
            "(g := __import__('gzip').compress)(b'\\x80\\x04') + g(b'B\\x40\\x42\\x0f\\0' + bytes(10**6) + b'0') * 300",
            1,
        ),
    ],
)
def test_memory_is_bounded_whatever_a_pickle_piles_up(expression: str, share: int) -> None:
    """Marks, memo, texts, lists, nesting, a bomb: 200 MiB; with a part of the usual bounds, that part of 200 MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, expression, str(share)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert int(done.stdout) < RSS_LIMIT_KIB // share
