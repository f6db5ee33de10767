"""What the audit log writes, when, and what it does where it cannot."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import StoreDamaged, UsageError, WeighbridgeError
from weighbridge.pilot.audit.log import UNAVAILABLE, AuditLog, AuditSettings
from weighbridge.pilot.audit.verify import verify
from weighbridge.pilot.exchange import Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.pilot.audit.conftest import MakeExchange, Read

    from weighbridge.pilot.audit.head import Head

_QUICK = AuditSettings(flush_s=0.001, tick_s=0.01, refusals_s=1e9, spare_bytes=0)


def _until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_whole_answer_has_its_record_before_it_is_sent(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """When `answering` has returned, the record can be read from the file, with all its facts; the end adds none."""
    log = AuditLog(tmp_path)
    one = exchange()
    assert log.answering(one) is None
    body = read(tmp_path)[-1]["body"]
    assert body == {
        "arrived": "2026-11-18T11:06:40.250000Z",  # date -u -d @1795000000
        "decision": "sha256:" + "d" * 64, "error": "", "first_us": 500_000, "id": f"{1:024x}", "input_tokens": 200,
        "key": "k1", "leg": "primary", "nano_usd": 120_000, "output_tokens": 50, "path": "/v1/chat/completions",
        "request_bytes": 1024, "request_sha256": "a" * 64, "route": "coder", "sent_bytes": 700,
        "sent_sha256": "c" * 64, "status": 200, "stream": False, "tenant": "acme", "total_us": 510_000,
        "upstream_sha256": "b" * 64, "upstream_status": 200, "user": "e" * 32,
    }  # fmt: skip
    log.ended(one)
    log.close()
    assert [entry["event"] for entry in read(tmp_path)] == ["segment.opened", "exchange"]


def test_stream_is_recorded_when_it_begins_and_when_it_ends(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """A stream has no digest before its first byte: it leaves two records; without the second, `verify` names it."""
    log = AuditLog(tmp_path)
    one, other = (exchange(n, sent_sha256="", is_stream=True, usage=Usage(), usd=None) for n in (1, 2))
    for stream in (one, other):
        assert log.answering(stream) is None
    one.sent_sha256, one.usage = "c" * 64, Usage(3, 4)
    log.ended(one)
    log.close()
    events = [(entry["event"], entry["body"].get("id")) for entry in read(tmp_path)[1:]]
    assert events == [("exchange.began", one.id), ("exchange.began", other.id), ("exchange.ended", one.id)]
    assert list(verify(tmp_path).begun) == [other.id]


def test_caller_that_leaves_a_whole_answer_is_noted(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """What turns out otherwise than it was recorded gets a second record."""
    log = AuditLog(tmp_path)
    one = exchange()
    log.answering(one)
    one.status, one.error = 499, "left"
    log.ended(one)
    log.close()
    last = read(tmp_path)[-1]
    assert (last["event"], last["body"]["status"], last["body"]["error"]) == ("exchange.amended", 499, "left")


def test_texts_of_callers_are_written_nowhere(tmp_path: Path, exchange: MakeExchange) -> None:
    """Prompt and answer of an exchange whose bodies are kept for others stand in no file of the log."""
    log = AuditLog(tmp_path)
    one = exchange(request=b"CANARY-prompt-5c1", answer=b"CANARY-answer-5c1")
    log.answering(one)
    log.ended(one)
    refused = exchange(2, request=b"CANARY-refused-5c1", status=429, error="rate_limited", upstream_status=0)
    log.ended(refused)
    log.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"coder" in written
    assert b"CANARY" not in written


def test_refusals_without_a_key_are_counted_not_listed(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """Five thousand requests without a key leave one record with their number; those of a key, thirty and one."""
    log = AuditLog(tmp_path)
    for number in range(5000):
        log.ended(exchange(number, key_id="", route="", leg="", status=401, error="no", upstream_status=0))
    for number in range(100):
        log.ended(exchange(number, leg="", status=429, error="rate_limited", upstream_status=0))
    log.close()
    entries = read(tmp_path)[1:]
    assert [entry["event"] for entry in entries] == ["exchange"] * 30 + ["refusals.counted"]
    assert [(one["key"], one["status"], one["count"]) for one in entries[-1]["body"]["refusals"]] == [
        ("", 401, 5000), ("k1", 429, 70),
    ]  # fmt: skip


def test_a_caller_that_left_before_the_answer_is_recorded(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """The model was asked and money held: who always leaves a moment early hides none of it behind a count."""
    log = AuditLog(tmp_path)
    for number in range(100):
        log.ended(exchange(number, status=499, error="left", upstream_status=0))
    log.close()
    assert [entry["event"] for entry in read(tmp_path)[1:]] == ["exchange"] * 100


def test_hostile_values_stay_in_their_field(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """Line breaks, quotes, control characters, half surrogates, a megabyte, impossible numbers: one valid line each."""
    log = AuditLog(tmp_path)
    hostile = ['a"},"event":"x', "two\nlines\r\n", "\x00\x1b[2J\x7f", "\ud800x", "\u2028\u202e", "ж" * 1_000_000, "\\"]
    for number, text in enumerate(hostile):
        one = exchange(
            number, route=text, tenant=text, key_id=text, error=text, usage=Usage(10**400, -1), usd=float("nan"),
            first_s=float("inf"),
        )  # fmt: skip
        assert log.answering(one) is None
    log.close()
    bodies = [entry["body"] for entry in read(tmp_path)[1:]]
    assert [body["route"] for body in bodies] == [
        'a"},"event":"x', "two\nlines\r\n", "\x00\x1b[2J\x7f", "?x", "\u2028\u202e", "ж" * 256, "\\",
    ]  # fmt: skip
    assert {(one["input_tokens"], one["output_tokens"], one["nano_usd"], one["first_us"]) for one in bodies} == {
        (None, None, None, None)
    }
    assert verify(tmp_path).holds


@pytest.mark.parametrize(
    "facts", [{"x": float("nan")}, {"x": object()}, {"x": "y" * 40_000}, {"x": 2**60}, {"x": "\ud800"}]
)
def test_facts_that_are_no_json_are_refused(tmp_path: Path, facts: dict[str, object], read: Read) -> None:
    """An event whose facts cannot be written is an error of its teller, and leaves no record."""
    log = AuditLog(tmp_path)
    with pytest.raises(WeighbridgeError):
        log.record("key.created", facts)
    with pytest.raises(WeighbridgeError):
        log.record('x","sequence":9', {})
    log.close()
    assert len(read(tmp_path)) == 1


def test_segments_end_by_size_and_the_chain_goes_on(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """The first record of a segment names the last hash of the segment before; a restart goes on in the last one."""
    settings = AuditSettings(segment_bytes=5000, flush_s=0.001)
    for _ in range(2):
        log = AuditLog(tmp_path, settings)
        for number in range(20):
            log.answering(exchange(number))
        log.close()
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("audit-*.jsonl"))]
    assert len(sizes) > 5
    assert max(sizes) < 5000 + 1500
    events = [entry["event"] for entry in read(tmp_path)]
    assert events.count("exchange") == 40
    assert events.count("segment.opened") == len(sizes)
    assert verify(tmp_path).records == len(events)


def test_segment_ends_with_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    """A record of the next day (UTC) begins a segment, and a clock that jumps back breaks no chain."""
    log = AuditLog(tmp_path)
    now = time.time()
    for shift in (86_400, -86_400 * 400, 0):
        monkeypatch.setattr(time, "time", lambda shift=shift: now + shift)
        log.record("gateway.started", {})
    log.close()
    assert [entry["event"] for entry in read(tmp_path)].count("segment.opened") == 4
    report = verify(tmp_path)
    assert report.holds
    assert report.back > 0


def test_second_process_cannot_write(tmp_path: Path) -> None:
    """A folder has one writer; it is free again when that one is closed."""
    log = AuditLog(tmp_path)
    with pytest.raises(UsageError, match="another process"):
        AuditLog(tmp_path)
    log.close()
    AuditLog(tmp_path).close()


def test_threads_write_one_chain(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """Events of four threads beside exchanges are all there, in one chain."""
    log = AuditLog(tmp_path, AuditSettings(segment_bytes=40_000, flush_s=0.001))

    def tell(thread: int) -> None:
        for number in range(100):
            log.record("key.created", {"thread": thread, "number": number})

    threads = [threading.Thread(target=tell, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        log.answering(exchange(number))
    for thread in threads:
        thread.join()
    log.close()
    told = [entry["body"] for entry in read(tmp_path) if entry["event"] == "key.created"]
    for mine in range(4):
        assert [one["number"] for one in told if one["thread"] == mine] == list(range(100))
    assert [entry["event"] for entry in read(tmp_path)].count("exchange") == 200


def test_torn_end_is_cut_off_and_told(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """What a loss of power leaves of a last record goes, its digest stays; a whole record that is wrong stops all."""
    log = AuditLog(tmp_path)
    log.answering(exchange())
    log.close()
    path = tmp_path / "audit-000001.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"entry":{"body":')
    assert not verify(tmp_path).holds
    AuditLog(tmp_path).close()
    assert read(tmp_path)[-1]["event"] == "log.repaired"
    assert read(tmp_path)[-1]["body"]["bytes"] == 17
    path.write_bytes(whole.replace(b'"coder"', b'"codes"'))
    with pytest.raises(StoreDamaged, match="line 2, was altered"):
        AuditLog(tmp_path)
    path.write_bytes(whole + whole.splitlines(keepends=True)[1])
    with pytest.raises(StoreDamaged, match="line 3, does not follow"):
        AuditLog(tmp_path)


def test_nearly_full_disk_refuses_before_records_are_lost(
    tmp_path: Path, exchange: MakeExchange, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short of room nothing new is passed on, what was under way is held, and all is written when there is room."""
    log = AuditLog(tmp_path, AuditSettings(flush_s=0.001, tick_s=0.01, spare_bytes=1000))
    under_way = exchange(1, sent_sha256="", is_stream=True)
    log.answering(under_way)
    monkeypatch.setattr("weighbridge.pilot.audit.writer.SegmentWriter.free_bytes", lambda _self: 999)
    _until(lambda: log.refusal() is not None)
    refusal = log.refusal()
    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, UNAVAILABLE)
    assert "nearly full" in refusal.message
    late = exchange(2)
    assert log.answering(late) is not None
    assert not late.sent_sha256
    log.ended(exchange(3, key_id="k", status=503, error=UNAVAILABLE, upstream_status=0))
    under_way.sent_sha256 = "c" * 64
    log.ended(under_way)
    with pytest.raises(WeighbridgeError, match="was not done"):
        log.record("key.created", {})
    monkeypatch.setattr("weighbridge.pilot.audit.writer.SegmentWriter.free_bytes", lambda _self: 1001)
    _until(lambda: log.refusal() is None)
    log.close()
    events = [(entry["event"], entry["body"].get("refused")) for entry in read(tmp_path)]
    assert events == [
        ("segment.opened", None), ("exchange.began", None), ("exchange.ended", None), ("log.resumed", 1),
    ]  # fmt: skip


def test_failed_flush_is_not_tried_again(
    tmp_path: Path, exchange: MakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the disk failed to hold what was written nothing is answered until a restart has read it again."""
    log = AuditLog(tmp_path, _QUICK)

    def fail(_self: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("weighbridge.pilot.audit.writer.SegmentWriter.flush", fail)
        log.answering(exchange())
        _until(lambda: log.refusal() is not None)
    time.sleep(0.05)
    assert log.refusal() is not None
    log.close()
    log = AuditLog(tmp_path, _QUICK)
    assert log.refusal() is None
    log.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nothing_is_answered_when_nothing_would_be_flushed(tmp_path: Path, exchange: MakeExchange) -> None:
    """A mistake in the log's own thread ends the answers, and is said."""

    def fail(_head: Head) -> None:
        raise ValueError("a mistake")

    log = AuditLog(tmp_path, AuditSettings(tick_s=0.01, head_s=0), fail)
    _until(lambda: log.refusal() is not None)
    assert log.answering(exchange()) is not None
    assert "ValueError" in log.state.trouble
    with pytest.raises(ValueError, match="a mistake"):
        log.close()


def test_flushing_follows_soon(tmp_path: Path, exchange: MakeExchange) -> None:
    """What was written is flushed by itself, and the head is told at the end of each period."""
    heads: list[Head] = []
    log = AuditLog(tmp_path, AuditSettings(flush_s=0.001, tick_s=0.01, head_s=0.01), heads.append)
    log.answering(exchange())
    _until(lambda: log.state.unflushed == 0 and log.state.sequence == 2)
    _until(lambda: len(heads) > 1)
    log.close()
    assert heads[-1] == verify(tmp_path).head


def test_many_records_are_flushed_at_once(tmp_path: Path, exchange: MakeExchange) -> None:
    """The disk has what was written after so many records, however long it may take its time; then anew."""
    log = AuditLog(tmp_path, AuditSettings(flush_s=3600, flush_records=5))
    for _ in range(2):
        for number in range(4):
            log.answering(exchange(number))
        time.sleep(0.02)
        assert log.state.unflushed == 4
        log.answering(exchange(4))
        _until(lambda: log.state.unflushed == 0)
    log.close()


def test_a_head_says_the_last_record_after_a_restart(tmp_path: Path, exchange: MakeExchange, read: Read) -> None:
    """Its time is that of the record to the microsecond, whether it was just written or read from the file."""
    for number in range(20):
        log = AuditLog(tmp_path)
        before = log.head
        log.answering(exchange(number))
        after = log.head
        log.close()
        entries = read(tmp_path)
        assert [before.time, after.time] == [entry["time"] for entry in entries[-2:]]
        assert (after.sequence, before.hash) == (entries[-1]["sequence"], entries[-1]["previous"])
