"""`audit` as a user runs it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.exchange import Exchange

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.fixture
def log(weighbridge: CommandLine) -> Path:
    """Write a log of five exchanges and an event, with a hostile route, into the workspace."""
    folder = weighbridge.folder / "weighbridge-work" / "audit"
    audit = AuditLog(folder)
    for number, route in enumerate(("coder", "coder", "\x1b[2Jevil\n", "=1+1", "chat")):
        one = Exchange(f"{number:024x}", 1.0, "k1", "acme", route, "primary", "d", "/v1/chat/completions")
        one.status, one.sent_sha256, one.usd = 200, "c" * 64, 0.5
        audit.answering(one)
    audit.record("key.created", {"key": "k2", "by": "k1"})
    audit.close()
    return folder


def test_log_is_verified_against_a_signed_head(weighbridge: CommandLine, log: Path) -> None:
    """A head is kept, the log goes on and holds; its end is cut off and the head says so."""
    assert weighbridge("key", "new", "--output", "house.pem").returncode == 0
    done = weighbridge("audit", "head", "--key", "house.pem")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    (weighbridge.folder / "head.jsonl").write_text(done.stdout)
    assert weighbridge("verify", "head.jsonl", "--key", "house.pub.pem").returncode == 0
    again = AuditLog(log)
    again.record("gateway.started", {})
    again.close()
    held = weighbridge("audit", "verify", "--head", "head.jsonl", "--trust", "house.pub.pem")
    assert held.returncode == 0
    assert "The log holds: records 1 to 8" in held.stdout
    assert "signed by the key you trust" in held.stdout
    path = log / "audit-000001.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    report = weighbridge.json("audit", "verify", "--head", "head.jsonl", code=12)
    assert report["schema"] == "weighbridge/audit-verify/v1"
    assert "its end was cut off" in report["problems"][0]["what"]


def test_altered_log_does_not_hold(weighbridge: CommandLine, log: Path) -> None:
    """Verification leaves with 12 and names file and line; no head of it is told."""
    path = log / "audit-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"chat"', b'"chit"'))
    done = weighbridge("audit", "verify")
    assert done.returncode == 12
    assert "audit-000001.jsonl, line 6: was altered" in done.stdout
    assert "does NOT hold" in done.stdout
    assert weighbridge("audit", "head").returncode == 2


@pytest.mark.usefixtures("log")
def test_records_are_listed_and_exported(weighbridge: CommandLine) -> None:
    """By route and event, for a terminal, a program and a spreadsheet; a stranger's name moves no cursor."""
    listed = weighbridge("audit", "list")
    assert listed.returncode == 0
    assert "\x1b" not in listed.stdout
    assert len(listed.stdout.splitlines()) == 7
    assert "0.500000 USD" in listed.stdout
    found = weighbridge.json("audit", "list", "--route", "coder", "--last", "1")["records"]
    assert [one["body"]["id"] for one in found] == [f"{1:024x}"]
    rows = list(csv.DictReader(io.StringIO(weighbridge("audit", "export", "--event", "exchange").stdout)))
    assert [row["route"] for row in rows][3:] == ["'=1+1", "chat"]
    lines = weighbridge("audit", "export", "--format", "jsonl", "--key-id", "k2").stdout.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["key.created"]


def test_the_last_records_are_listed_though_one_is_altered(weighbridge: CommandLine, log: Path) -> None:
    """What stands after a damaged line is listed, and that there is one is said; an export ends at it."""
    path = log / "audit-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"=1+1"', b'"=1+2"'))
    listed = weighbridge("audit", "list", "--last", "1")
    assert (len(listed.stdout.splitlines()), "no records" in listed.stderr) == (1, False)
    listed = weighbridge("audit", "list")
    assert len(listed.stdout.splitlines()) == 6
    assert "lines that are no records: 1" in listed.stderr
    assert weighbridge("audit", "export").returncode != 0


def test_no_log_is_said(weighbridge: CommandLine) -> None:
    """Where nothing was served there is nothing to verify: 3, and what writes one."""
    done = weighbridge("audit", "verify")
    assert done.returncode == 3
    assert "weighbridge serve" in done.stderr
