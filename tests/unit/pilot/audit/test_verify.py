"""Whatever is done to a log is found out, and the place is named."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.digest import canonical
from weighbridge.errors import DamagedFile, NotFound, WeighbridgeError
from weighbridge.formats.dsse import IN_TOTO, pae
from weighbridge.inspection.provenance.keys import new_key
from weighbridge.inspection.provenance.signature import verify_envelope
from weighbridge.inspection.provenance.trust import Trust
from weighbridge.pilot.audit.head import HeadKeeper, head_of, read_heads
from weighbridge.pilot.audit.log import AuditLog, AuditSettings
from weighbridge.pilot.audit.record import FIRST, facts_body, read_line, write_line
from weighbridge.pilot.audit.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.pilot.audit.conftest import MakeExchange

_SEGMENT = "audit-000001.jsonl"


@pytest.fixture
def folder(tmp_path: Path, exchange: MakeExchange) -> Path:
    """Return a log of twelve records in one segment."""
    log = AuditLog(tmp_path)
    for number in range(11):
        log.answering(exchange(number))
    log.close()
    return tmp_path


def _lines(folder: Path) -> list[bytes]:
    return (folder / _SEGMENT).read_bytes().splitlines(keepends=True)


def _write(folder: Path, lines: list[bytes]) -> None:
    (folder / _SEGMENT).write_bytes(b"".join(lines))


def test_every_flipped_bit_is_found_at_its_line(folder: Path) -> None:
    """A bit turned over anywhere: the report names that line, and no other unless a line break was hit."""
    whole = (folder / _SEGMENT).read_bytes()
    starts = [0]
    for line in _lines(folder):
        starts.append(starts[-1] + len(line))
    source = random.Random(7)  # noqa: S311 - no secret
    for place in {
        *range(starts[4], starts[5], 9),
        *range(starts[5] - 80, starts[5]),
        *source.sample(range(len(whole)), 80),
    }:
        altered = bytearray(whole)
        altered[place] ^= 1 << source.randrange(8)
        (folder / _SEGMENT).write_bytes(altered)
        number = max(index for index, start in enumerate(starts) if start <= place) + 1
        problems = verify(folder).problems
        assert problems, place
        assert problems[0].line == number, place


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda lines: lines[:3] + lines[4:], 4, "records 4 to 4 are missing"),
        (lambda lines: lines[:3] + lines[7:], 4, "records 4 to 7 are missing"),
        (lambda lines: lines[1:], 1, "records 1 to 1 are missing"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 4, "missing"),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], 6, "stands after record 5"),
        (lambda lines: [*lines[:5], lines[5].replace(b"coder", b"codes"), *lines[6:]], 6, "was altered"),
        (lambda lines: [*lines[:5], b"\n", *lines[5:]], 6, "is not a record"),
        (lambda lines: [*lines[:5], b"x" * 200_000 + b"\n", *lines[5:]], 6, "is cut off"),
        (lambda lines: [*lines[:11], lines[11][:-1]], 12, "is cut off"),
        (lambda lines: [*lines[:11], lines[11][:50]], 12, "is cut off"),
        (lambda lines: [*lines, b"\0" * 100], 13, "is cut off"),
    ],
)
def test_removed_moved_repeated_put_in_and_cut_off(folder: Path, change: object, line: int, words: str) -> None:
    """Each is found where it was done."""
    assert callable(change)
    _write(folder, change(_lines(folder)))
    problem = verify(folder).problems[0]
    assert (problem.file, problem.line) == (_SEGMENT, line)
    assert words in problem.what


def test_record_that_hashes_itself_does_not_fit_in(folder: Path) -> None:
    """A forger's record with a hash of its own is found at it or by the one after, whichever `previous` it names."""
    lines = _lines(folder)
    fourth, fifth = read_line(lines[3]), read_line(lines[4])
    assert not isinstance(fourth, str)
    assert not isinstance(fifth, str)
    for previous, place in ((fourth.hash, 6), (FIRST, 5)):
        forged, _ = write_line(fifth.sequence, previous.encode(), "exchange", facts_body({"route": "mine"}), 1.0)
        _write(folder, [*lines[:4], forged, *lines[5:]])
        problem = verify(folder).problems[0]
        assert (problem.line, "does not follow" in problem.what) == (place, True)


@given(data=st.data())
@settings(max_examples=60, deadline=None, database=None)
def test_any_other_order_or_choice_of_records_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Of all lists made of a log's lines, only its beginnings hold: a property, on eight records."""
    folder = tmp_path_factory.mktemp("audit")
    chain, lines = FIRST.encode(), []
    for number in range(1, 9):
        line, chain = write_line(number, chain, "key.created", facts_body({"n": number}), 1.0)
        lines.append(line)
    chosen = data.draw(st.lists(st.sampled_from(range(8)), min_size=1, max_size=9))
    _write(folder, [lines[index] for index in chosen])
    assert verify(folder).holds == (chosen == list(range(len(chosen))))


@given(
    body=st.dictionaries(
        st.text(max_size=8), st.one_of(st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans())
    ),
    event=st.from_regex(r"[a-z]{1,9}\.[a-z]{1,9}", fullmatch=True),
    sequence=st.integers(1, 10**15),
)
@settings(max_examples=80, deadline=None, database=None)
def test_what_is_written_is_read_again(body: dict[str, object], event: str, sequence: int) -> None:
    """A line holds one record whatever its facts are, it is JSON, and its hash is that of its entry's bytes."""
    line, digest = write_line(sequence, b"f" * 64, event, facts_body(body), 1_795_000_000.5)
    assert line.count(b"\n") == 1
    entry = read_line(line)
    assert not isinstance(entry, str)
    assert (entry.sequence, entry.event, entry.hash) == (sequence, event, digest.decode())
    assert entry.time == "2026-11-18T11:06:40.500000Z"  # date -u -d @1795000000
    record = json.loads(line)
    assert record["entry"]["body"] == json.loads(entry.body) == body
    assert hashlib.sha256(canonical(record["entry"])).hexdigest() == entry.hash


@given(line=st.one_of(st.binary(max_size=400), st.binary(max_size=60).map(lambda data: b'{"entry":' + data + b"\n")))
@settings(max_examples=100, deadline=None, database=None)
def test_bytes_of_strangers_raise_nothing(line: bytes) -> None:
    """What is no record is said to be none."""
    assert isinstance(read_line(line), str)


def test_record_under_way_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is written while it is read holds: a line without its end gets the time to have one."""
    whole = (folder / _SEGMENT).read_bytes()
    (folder / _SEGMENT).write_bytes(whole[:-300])

    def go_on() -> None:
        with (folder / _SEGMENT).open("ab") as stream:
            stream.write(whole[-300:])

    monkeypatch.setattr("weighbridge.pilot.audit.segments.time.sleep", lambda _seconds: go_on())
    report = verify(folder)
    assert report.holds
    assert report.records == 12


def test_missing_segments_are_named(tmp_path: Path, exchange: MakeExchange) -> None:
    """A segment in the middle is missed; older ones may be put away on purpose, and the rest still holds together."""
    log = AuditLog(tmp_path, AuditSettings(segment_bytes=3000))
    for number in range(20):
        log.answering(exchange(number))
    log.close()
    assert verify(tmp_path).holds
    (tmp_path / "audit-000001.jsonl").unlink()
    assert "segment 1 was expected" in verify(tmp_path).problems[0].what
    assert verify(tmp_path, begins_at=2).holds
    (tmp_path / "audit-000004.jsonl").unlink()
    problems = verify(tmp_path, begins_at=2).problems
    assert problems[0].what == "segment 4 was expected here"
    assert "are missing before this one" in problems[1].what


def test_cut_at_a_record_is_found_by_a_kept_head_only(folder: Path) -> None:
    """A log that lost its last records whole holds by itself; a head that was kept says what is gone."""
    head = verify(folder).head
    assert head is not None
    _write(folder, _lines(folder)[:9])
    assert verify(folder).holds
    problem = verify(folder, [head]).problems[0]
    assert problem.what == "a kept head names record 12, and the log ends at 9: its end was cut off"


def test_log_written_anew_is_found_by_a_kept_head(folder: Path, exchange: MakeExchange) -> None:
    """A forger who writes all of it again, hashes and all, meets the head that was kept."""
    head = verify(folder).head
    assert head is not None
    (folder / _SEGMENT).unlink()
    log = AuditLog(folder)
    for number in range(20):
        log.answering(exchange(number, route="mine"))
    log.close()
    assert verify(folder).holds
    assert "is not the one that a kept head names" in verify(folder, [head]).problems[0].what


def test_heads_are_signed_as_attestations_are(folder: Path) -> None:
    """A kept head is a DSSE envelope over an in-toto statement of the hash; another key or byte is not believed."""
    head = verify(folder).head
    assert head is not None
    key, other = new_key("ed25519"), new_key("p256")
    HeadKeeper(folder, key)(head)
    HeadKeeper(folder, other)(head)
    path = folder / "heads.jsonl"
    mine, theirs = read_heads(path)
    assert head_of(mine, path) == head
    assert verify_envelope(mine, Trust(key=key.public)).outcome == "valid"
    assert verify_envelope(theirs, Trust(key=key.public)).outcome == "invalid"
    # the signature by the library's own verification, over DSSE's encoding
    assert key.public.verifies(mine.signatures[0].value, pae(IN_TOTO, mine.payload))
    assert json.loads(mine.payload)["subject"][0]["digest"] == {"sha256": head.hash}
    assert verify(folder, [head_of(mine, path)]).heads == 1


@pytest.mark.parametrize("text", [b"{}", b"x", b'{"payload":"e30=","payloadType":"x","signatures":[]}', b"[" * 9999])
def test_heads_of_strangers_are_refused(tmp_path: Path, text: bytes) -> None:
    """A file of heads that holds something else is damaged, and says so."""
    path = tmp_path / "heads.jsonl"
    path.write_bytes(text + b"\n")
    with pytest.raises(DamagedFile):
        [head_of(one, path) for one in read_heads(path)]


def test_no_log_is_not_found(tmp_path: Path) -> None:
    """A folder without segments is no log that holds."""
    with pytest.raises(NotFound):
        verify(tmp_path)


def test_link_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A segment that is a link to elsewhere is neither read nor written."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "file"
    (folder / _SEGMENT).rename(elsewhere)
    (folder / _SEGMENT).symlink_to(elsewhere)
    with pytest.raises(WeighbridgeError):
        verify(folder)
    with pytest.raises(WeighbridgeError):
        AuditLog(folder)
