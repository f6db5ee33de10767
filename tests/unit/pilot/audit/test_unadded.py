"""A node that was killed: what its log holds beyond the mark is added to the keys' usage, each exchange once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.gateway.assembly import assembled
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.unadded import read_unadded
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.pilot.state.protocol import UsageRow

    from .conftest import MakeExchange

FILE = """
[[route]]
name = "qwen"
decision = "latest"
reference = "org/model"
policy = "pilot"
fingerprint = "weighed"
[route.upstream]
url = "http://127.0.0.1:9/v1"
model = "m"
"""


def test_what_stands_after_the_mark_is_found_once(tmp_path: Path, exchange: MakeExchange) -> None:
    """Whole answers and ends of streams count; beginnings, refusals, and what stands before the mark do not."""
    today = datetime.now(UTC).date()
    log = AuditLog(tmp_path)
    log.answering(exchange(1))
    mark = log.head.hash
    log.answering(exchange(2))
    stream = exchange(3, is_stream=True, sent_sha256="", usage=Usage(), usd=None)
    log.answering(stream)
    log.ended(replace(stream, sent_sha256="c" * 64, usage=Usage(7, 8), usd=1.5))
    log.ended(exchange(4, leg="", status=404, usage=Usage(), usd=None))
    log.ended(exchange(5, error="upstream_timeout", status=504, usage=Usage(), usd=None))
    log.record("key.created", {"key": "k1"})
    found, rows = read_unadded(tmp_path, {mark, "f" * 64})
    assert found == mark
    assert sorted((row.requests, row.input_tokens, row.output_tokens, row.nano_usd) for row in rows) == [
        (1, 0, 0, 0),
        (1, 7, 8, 1_500_000_000),
        (1, 200, 50, 120_000),
    ]
    assert {(row.day, row.key_id, row.route) for row in rows} == {(today, "k1", "coder")}
    assert read_unadded(tmp_path, {"f" * 64}) == ("", [])  # another node's mark: nothing is known of this log
    assert read_unadded(tmp_path, {log.head.hash}) == (log.head.hash, [])
    log.close()


def test_a_start_adds_what_a_killed_node_had_answered(tmp_path: Path, exchange: MakeExchange) -> None:
    """The next start adds it, the one after that nothing again."""
    (tmp_path / "gateway.toml").write_text(FILE)
    file = load_gateway_file(tmp_path / "gateway.toml")

    def used() -> list[UsageRow]:
        state = SQLiteState(file.workspace / "pilot.sqlite")
        try:
            return state.usage(datetime(2026, 1, 1, tzinfo=UTC).date())
        finally:
            state.close()

    with assembled(file, lambda _name: None):
        pass
    log = AuditLog(file.workspace / "audit")  # what a node writes that is killed before it adds usage
    for number in range(5):
        log.answering(exchange(number))
    log.close()
    assert used() == []
    for _ in range(2):
        with assembled(file, lambda _name: None):
            (row,) = used()
            assert (row.requests, row.input_tokens, row.nano_usd) == (5, 1000, 600_000)
