"""Exchanges, and a verifier of our own: the format as its page states it, in twenty lines."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.exchange import Exchange, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeExchange = Callable[..., Exchange]
    Read = Callable[[Path], list[dict[str, Any]]]


def _exchange(number: int = 1, **changes: Any) -> Exchange:
    fields: dict[str, Any] = {
        "id": f"{number:024x}", "at": 1_795_000_000.25, "key_id": "k1", "tenant": "acme", "route": "coder",
        "leg": "primary", "decision": "sha256:" + "d" * 64, "path": "/v1/chat/completions", "status": 200,
        "upstream_status": 200, "request_sha256": "a" * 64, "upstream_sha256": "b" * 64, "sent_sha256": "c" * 64,
        "request_bytes": 1024, "sent_bytes": 700, "first_s": 0.5, "total_s": 0.51, "usage": Usage(200, 50),
        "usd": 0.00012, "user_hash": "e" * 32,
    }  # fmt: skip
    return Exchange(**{**fields, **changes})


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    previous, sequence = "0" * 64, 0
    for path in sorted(folder.glob("audit-*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            record = json.loads(line)
            entry = record["entry"]
            # sorted keys and no spaces are RFC 8785 for texts and whole numbers; exponents do not occur here
            text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            assert line == b'{"entry":' + text + b',"hash":"' + record["hash"].encode() + b'"}\n'
            assert hashlib.sha256(text).hexdigest() == record["hash"]
            assert (entry["previous"], entry["sequence"]) == (previous, sequence + 1)
            previous, sequence = record["hash"], entry["sequence"]
            yield entry


@pytest.fixture
def exchange() -> MakeExchange:
    """Return a maker of exchanges: a number, and what differs."""
    return _exchange


@pytest.fixture
def read() -> Read:
    """Return a reader that verifies a whole log by the format's page, and returns its entries."""
    return lambda folder: list(_records(folder))
