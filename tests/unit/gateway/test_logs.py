"""What the gateway says on stderr."""

from __future__ import annotations

import io
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway.logs import RefusalLog, logged, logs_on_stderr
from weighbridge.pilot.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("weighbridge.gateway")


def _refused(status: int = 429, error: str = "rate_limited", key: str = "k1") -> Exchange:
    one = Exchange("id1", 0.0, key, "acme", "coder", "primary", "d", "/v1/chat/completions", status=status, error=error)
    one.request, one.answer = b"CANARY-prompt", b"CANARY-answer"
    return one


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_refusals_are_said_few_of_each_kind() -> None:
    """Of a thousand equal refusals ten are written, of another kind all; nothing of the texts; 2xx says nothing."""
    stream = io.StringIO()
    with logs_on_stderr(stream=stream):
        for _ in range(1000):
            RefusalLog().ended(_refused())
        RefusalLog().ended(_refused(401, "invalid_api_key", ""))
        RefusalLog().ended(_refused(200, ""))
    lines = _lines(stream)
    assert [line["status"] for line in lines] == [429] * 10 + [401]
    assert {"time", "level", "logger", "message", "error", "key", "id"} <= set(lines[0])
    assert "CANARY" not in stream.getvalue()


def test_number_of_those_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next window's first line says how many of its kind were not written."""
    stream, now = io.StringIO(), [100.0]
    monkeypatch.setattr("weighbridge.gateway.logs.time.monotonic", lambda: now[0])
    with logs_on_stderr(stream=stream):
        for _ in range(25):
            RefusalLog().ended(_refused())
        now[0] += 11
        RefusalLog().ended(_refused())
    assert _lines(stream)[-1]["not_written_before"] == 15


@pytest.mark.parametrize("as_json", [True, False])
def test_hostile_values_stay_in_their_line(*, as_json: bool) -> None:
    """Line breaks, escapes of terminals and half surrogates neither end a line nor reach a terminal."""
    stream = io.StringIO()
    with logs_on_stderr(as_json=as_json, stream=stream):
        for error in ('x\n{"level":"error"}', "\x1b[2J\r", "\ud800\u202e"):
            RefusalLog().ended(_refused(error=error))
    assert len(stream.getvalue().splitlines()) == 3
    assert stream.getvalue().replace("\n", "").isprintable()
    assert stream.getvalue().isascii()


def test_text_of_an_exception_is_not_said() -> None:
    """An exception's type and places are told; what it quotes is not."""
    stream = io.StringIO()
    with logs_on_stderr(stream=stream):
        try:
            int("CANARY-secret")
        except ValueError:
            _log.exception("a request failed")
    (line,) = _lines(stream)
    assert line["exception"] == "ValueError"
    assert "test_logs.py" in line["at"][-1]
    assert "CANARY" not in stream.getvalue()


def test_stream_that_nobody_reads_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the thread that writes is stuck, saying more returns at once, and the rest is dropped."""
    monkeypatch.setattr("weighbridge.gateway.logs._QUEUED", 100)
    stuck, begun = threading.Event(), threading.Event()

    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            begun.set()
            stuck.wait(10)
            return super().write(text)

    stream = Pipe()
    with logs_on_stderr(stream=stream):
        for number in range(500):
            _log.info("message of kind %d", number, extra={"kind": number})
        assert begun.wait(10)
        assert not stuck.is_set()
        stuck.set()
    assert 0 < len(stream.getvalue().splitlines()) <= 102


def test_what_was_refused_is_a_warning() -> None:
    """Found by a user: a wrong file and a leg that closed were said like everything else, as `info`."""
    stream = io.StringIO()
    with logs_on_stderr(stream=stream):
        for event in ("routes.refused", "leg.refused", "leg.opened"):
            logged(lambda *_: None)(event, {})
    assert [line["level"] for line in _lines(stream)] == ["warning", "warning", "info"]


def test_recorder_says_what_it_recorded_only() -> None:
    """An event is said after it was recorded; one that could not be is not, and its error goes on."""
    told: list[str] = []

    def record(event: str, facts: Mapping[str, object]) -> None:
        if "fail" in facts:
            raise WeighbridgeError("disk full")
        told.append(event)

    stream = io.StringIO()
    with logs_on_stderr(stream=stream):
        logged(record)("route.reloaded", {"routes": 3, "message": "x"})
        with pytest.raises(WeighbridgeError):
            logged(record)("key.created", {"fail": True})
    (line,) = _lines(stream)
    assert (line["message"], line["routes"], line["message_"]) == ("route.reloaded", 3, "x")
    assert told == ["route.reloaded"]
