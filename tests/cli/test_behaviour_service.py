"""`weighbridge behaviour MODEL --service URL#NAME`: one model on two hosts, of which one has a filter in front."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

ITEMS, NOISE = 32, 20
CANNED = "I'm sorry, but I can't help with that."


def host(serve: Serve, filters: Callable[[int], bool] = lambda _case: False, *, canned: bool = True) -> FaultServer:
    """Serve the same answers as every other host, but for the cases that a filter keeps back."""
    started: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        question = json.loads(started[0].bodies[-1])["messages"][-1]["content"]
        case = int("".join(filter(str.isdigit, question)))
        text = f"The court decided case {case} in {1900 + case}, and its report was published the year after."
        end = "stop"
        if filters(case) and not canned and case % 2:
            error = {"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}
            return http(json.dumps(error).encode(), status="400 Bad Request")
        if filters(case):
            text, end = (CANNED, "stop") if canned else ("", "content_filter")
        return http(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": end}]}).encode())

    started.append(serve(reply))
    return started[0]


def mute(serve: Serve, *, status: str) -> FaultServer:
    """Serve the same answers, but for the first half of the cases, which get no word or an error without a name."""
    started: list[FaultServer] = []

    def reply(_n: int, _path: str) -> bytes:
        question = json.loads(started[0].bodies[-1])["messages"][-1]["content"]
        case = int("".join(filter(str.isdigit, question)))
        if case < ITEMS // 2 and status != "200 OK":
            return http(b'{"error": {"message": "invalid request"}}', status=status)
        text = f"The court decided case {case} in {1900 + case}, and its report was published the year after."
        message = {"content": "" if case < ITEMS // 2 else text}
        return http(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())

    started.append(serve(reply))
    return started[0]


def bank(folder: Path) -> str:
    """Write items in one language."""
    rows = [
        {"id": f"i{n}", "class": "sensitive", "about": "CN", "form": str(n), "text": {"en": f"Who decided case {n}?"}}
        for n in range(ITEMS)
    ]
    place = folder / "items.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(place)


def test_a_filter_in_front_of_a_service_is_found(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """Eight canned answers that the other host gives: exact p 0.0078, and 20 items were asked twice of the first."""
    ours, theirs = host(serve), host(serve, lambda case: case % 4 == 0)
    asked = (
        "behaviour",
        f"{ours.url}#m",
        "--service",
        f"{theirs.url}#m",
        "--bank",
        bank(tmp_path),
        "--languages",
        "en",
    )
    found = weighbridge.json(*asked)
    body = found["body"]
    assert (found["kind"], body["relation"]) == ("behaviour-comparison/v1", "service")
    service = body["service"]
    assert (service["verdict"], service["canned_there"], service["canned_here"]) == ("filter in front", 8, 0)
    assert abs(service["filter_p"] - 2 / 2**8) < 1e-12
    assert service["noise"]["value"] == 1
    assert body["differing"] == 8
    assert (len(ours.bodies), len(theirs.bodies)) == (ITEMS + NOISE, ITEMS)
    done = weighbridge(*asked)
    assert "filter in front" in done.stdout
    assert CANNED in done.stdout
    assert (len(ours.bodies), len(theirs.bodies)) == (ITEMS + NOISE, ITEMS)  # all of it was stored


def test_content_filters_and_equal_hosts(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """A filter's finish reason counts, and so does its error; two equal hosts are shown to behave alike."""
    ours, filtered, same = host(serve), host(serve, lambda case: case < 7, canned=False), host(serve)
    begin = ("behaviour", f"{ours.url}#m", "--bank", bank(tmp_path), "--languages", "en", "--service")
    body = weighbridge.json(*begin, f"{filtered.url}#m")["body"]["service"]
    assert (body["verdict"], body["filtered_there"], body["items"]) == ("filter in front", 7, ITEMS - 7)
    body = weighbridge.json(*begin, f"{same.url}#m")["body"]["service"]
    assert (body["verdict"], body["identical"]["value"]) == ("same behaviour", 1)


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_a_service_that_says_nothing_is_not_the_same(
    weighbridge: CommandLine, serve: Serve, tmp_path: Path, status: str
) -> None:
    """Half of the items get an empty answer, or an error that names no filter: never "same behaviour"."""
    ours, theirs = host(serve), mute(serve, status=status)
    begin = ("behaviour", f"{ours.url}#m", "--bank", bank(tmp_path), "--languages", "en", "--service")
    done = weighbridge(*begin, f"{theirs.url}#m", "--json")
    body = json.loads(done.stdout)["body"]["service"]
    assert (body["verdict"], body["silent_there"], body["items"]) == ("filter in front", ITEMS // 2, ITEMS // 2)
    assert "16 items answered by one host and silent at the other (the second)" in body["reason"]


def test_a_service_is_another_address(weighbridge: CommandLine, serve: Serve, tmp_path: Path) -> None:
    """A folder is no service, the model's own address is no other host, and a forecast names both hosts' calls."""
    ours = host(serve)
    begin = ("behaviour", f"{ours.url}#m", "--bank", bank(tmp_path), "--languages", "en")
    for service, said in ((str(tmp_path), "not the address of a service"), (f"{ours.url}#m", "the same engine")):
        done = weighbridge(*begin, "--service", service)
        assert done.returncode == 2
        assert said in done.stderr
    done = weighbridge(*begin, "--service", "http://127.0.0.1:9/v1#m", "--dry-run")
    assert f"{2 * ITEMS + NOISE} calls" in done.stdout
