"""Heads: where a log stood, signed. A kept head proves that what came before it is still there, whole.

A head is a statement of evidence about the last record's hash (kind `audit-head/v1`), in a DSSE envelope as
attestations are: `weighbridge verify FILE --key PUB` and any other tool that reads DSSE checks its signature. Heads are
added to `heads.jsonl` beside the log; one that is to show that the log's end was cut off must be kept elsewhere too.
"""

from __future__ import annotations

import os
import re
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.core.digest import canonical
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.errors import DamagedFile, WeighbridgeError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.dsse import IN_TOTO, envelope_bytes, pae, parse_envelope
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.formats.dsse import Envelope
    from weighbridge.inspection.provenance.keys import SigningKey

__all__ = ["HEADS_FILE", "KIND", "Head", "HeadKeeper", "head_of", "read_heads", "sign_head"]

HEADS_FILE = "heads.jsonl"
KIND = "audit-head/v1"
_MAX_FILE_BYTES = 64 << 20
_MAX_ENVELOPE_BYTES = 16 << 10
_MOST = 100_000
_HASH = re.compile(r"[0-9a-f]{64}")
_DATE = 10


class Head(NamedTuple):
    """Where a log stands: the last record's segment, sequence, hash and time."""

    segment: int
    sequence: int
    hash: str
    time: str


class HeadKeeper:
    """Signs heads and adds them to a log's `heads.jsonl`: an AuditLog's `on_head`."""

    def __init__(self, folder: Path, key: SigningKey) -> None:
        self._path = folder / HEADS_FILE
        self._key = key

    def __call__(self, head: Head) -> None:
        """Sign and keep a head; raises WeighbridgeError."""
        line = sign_head(head, self._key) + b"\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb", buffering=0) as stream:
                stream.write(line)
                os.fsync(descriptor)
        except OSError as error:
            raise WeighbridgeError(f"`{self._path}` cannot be written: {error.strerror}") from error


def sign_head(head: Head, key: SigningKey) -> bytes:
    """Return a head's statement in a signed envelope, on one line."""
    body = {"segment": head.segment, "sequence": head.sequence, "time": head.time}
    made_on = date.fromisoformat(head.time[:_DATE])
    statement = canonical(Evidence(f"sha256:{head.hash}", KIND, body, (), OURS, made_on).statement())
    return envelope_bytes(IN_TOTO, statement, key.public.fingerprint, key.sign(pae(IN_TOTO, statement)))


def read_heads(path: Path) -> list[Envelope]:
    """Return the envelopes of a file, one a line; raises DamagedFile."""
    data = read_small(path, _MAX_FILE_BYTES)
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) > _MOST:
        raise DamagedFile(f"`{path}` holds {len(lines)} heads; at most {_MOST} are read")
    if any(len(line) > _MAX_ENVELOPE_BYTES for line in lines):
        raise DamagedFile(f"`{path}` holds a line that is no head: longer than {_MAX_ENVELOPE_BYTES} bytes")
    return [parse_envelope(line, path) for line in lines]


def head_of(envelope: Envelope, place: Path) -> Head:
    """Return the head that an envelope's payload states, whoever signed it; raises DamagedFile."""
    statement = parse_json(envelope.payload, place, max_bytes=_MAX_ENVELOPE_BYTES)
    try:
        evidence = Evidence.from_statement(statement)
        body, digest = evidence.body, evidence.subject.removeprefix("sha256:")
        head = Head(int(body["segment"]), int(body["sequence"]), digest, str(body["time"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFile(f"`{place}` holds something that is no head of an audit log") from error
    if evidence.kind != KIND or not _HASH.fullmatch(digest):
        raise DamagedFile(f"`{place}` holds something that is no head of an audit log")
    return head
