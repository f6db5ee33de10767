"""Faults that are real: a process killed by the kernel, a file that cannot grow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.verify import verify
from weighbridge.pilot.audit.writer import SegmentWriter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.pilot.audit.conftest import Read

_ANSWERS = """
import os, sys, time
from pathlib import Path
from weighbridge.pilot.audit.log import AuditLog, AuditSettings
from weighbridge.pilot.exchange import Exchange

log = AuditLog(Path(sys.argv[1]), AuditSettings(segment_bytes=200_000))
number = 0
while True:
    number += 1
    is_stream = number % 3 == 0
    one = Exchange(f"{number:024x}", time.time(), "k1", "acme", "coder", "primary", "d", "/v1/chat/completions")
    one.status, one.is_stream, one.sent_sha256 = 200, is_stream, "" if is_stream else "c" * 64
    if log.answering(one) is None:
        os.write(1, one.id.encode() + b"\\n")  # the answer: whoever reads it has been answered
    one.sent_sha256 = "c" * 64
    log.ended(one)
"""

_FULL = """
import json, resource, sys, time
from pathlib import Path
from weighbridge.pilot.audit.log import AuditLog, AuditSettings
from weighbridge.pilot.exchange import Exchange

limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
log = AuditLog(Path(sys.argv[1]), AuditSettings(tick_s=0.01, flush_s=0.001, spare_bytes=0))
said = {"answered": [], "refused": 0, "turned_away": 0}

def ask(number):
    one = Exchange(f"{number:024x}", time.time(), "k1", "acme", "coder", "primary", "d", "/v1/chat/completions")
    if log.refusal() is not None:
        one.status, one.error = 503, log.refusal().code
        said["turned_away"] += 1
    else:
        one.status, one.upstream_status, one.sent_sha256 = 200, 200, "c" * 64
        if log.answering(one) is None:
            said["answered"].append(one.id)
        else:
            one.status, one.error = 503, log.refusal().code
            said["refused"] += 1
    log.ended(one)

for number in range(60):
    ask(number)
said["full"] = log.refusal().message
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
end = time.monotonic() + 10
while log.refusal() is not None and time.monotonic() < end:
    time.sleep(0.01)
for number in range(100, 110):
    ask(number)
log.close()
print(json.dumps(said))
"""


@pytest.mark.parametrize("answers", [50, 700])
def test_killed_process_has_recorded_all_it_answered(tmp_path: Path, answers: int) -> None:
    """After SIGKILL under load every answer that was read has its record; the next start goes on, and all holds."""
    process = subprocess.Popen([sys.executable, "-c", _ANSWERS, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    answered = [process.stdout.readline().strip().decode() for _ in range(answers)]
    os.kill(process.pid, signal.SIGKILL)
    answered += [line.strip().decode() for line in process.stdout if line.endswith(b"\n")]
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    AuditLog(tmp_path).close()
    report = verify(tmp_path)
    assert report.holds
    entries = [
        json.loads(line)["entry"]
        for path in sorted(tmp_path.glob("audit-*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    recorded = {one["body"]["id"] for one in entries if one["event"] in ("exchange", "exchange.began")}
    assert len(answered) >= answers
    assert set(answered) <= recorded
    assert len(report.begun) <= 1  # the stream that was under way


def test_full_disk_refuses_and_recovers(tmp_path: Path, read: Read) -> None:
    """Where a file cannot grow, as on a full disk, nothing unrecorded is answered; with room again all goes on."""
    process = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, check=True, timeout=60, text=True
    )
    said = json.loads(process.stdout)
    entries = read(tmp_path)
    whole = {one["body"]["id"] for one in entries if one["event"] == "exchange" and not one["body"]["error"]}
    assert set(said["answered"]) == whole
    assert 10 < len(whole) < 60
    assert len([one for one in said["answered"] if int(one, 16) >= 100]) == 10
    assert said["refused"] >= 1
    assert said["turned_away"] >= 20
    assert "audit log cannot be written" in said["full"]
    resumed = next(one["body"] for one in entries if one["event"] == "log.resumed")
    assert (resumed["refused"], resumed["lost"]) == (said["turned_away"], 0)
    assert verify(tmp_path).holds


def test_a_segment_that_ends_while_others_are_flushed_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flushing runs beside writing: a file that ended meanwhile is closed once, and nothing is asked of it after."""
    writer = SegmentWriter(tmp_path, 0, 0, b"")
    more = iter([b"3\n"])
    flushed: list[int] = []

    def flush(descriptor: int) -> None:
        for line in more:
            writer.open_next(line)
        os.fstat(descriptor)  # raises OSError for one that is closed
        flushed.append(descriptor)

    writer.open_next(b"1\n")
    writer.open_next(b"2\n")
    monkeypatch.setattr("weighbridge.pilot.audit.writer.os.fdatasync", flush)
    writer.flush()
    writer.close()
    assert len(set(flushed)) == 3
