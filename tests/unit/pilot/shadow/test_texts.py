"""Texts that are kept: redacted, private, bounded, and forgotten."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.shadow.texts import KEPT_DAYS, TextKeeper, redacted

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0  # 2023-11-14
TEXTS = ("p", "o", "c")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail Eve.O'Hara+x@mail.example.co.uk now", "mail Eve.O'[e-mail] now"),
        ("写信给张三@例子.中国。", "[e-mail]。"),
        ("call +49 (0)30 901820, or 030/901820-11", "call [phone], or [phone]"),
        ("call (415) 555-2671 or 1-415-555-2671", "call [phone] or [phone]"),
        ("手机 13812345678", "手机 [phone]"),
        ("card 4111 1111 1111 1111 or 5500-0000-0000-0004", "card [card] or [card]"),
        ("no card: 4111 1111 1111 1112", "no card: 4111 1111 1111 1112"),
        ("IBAN DE89 3704 0044 0532 0130 00, GB82WEST12345698765432", "IBAN [IBAN], [IBAN]"),
        ("no IBAN: GB83WEST12345698765432", "no IBAN: GB83WEST12345698765432"),
        ("身份证11010519491231002X。", "身份证[identity number]。"),  # the example of GB 11643-1999, annex A
        ("no number: 110105194912310021, 110105194913310029", "no number: 110105194912310021, 110105194913310029"),
        ("SSN 078-05-1120; part 666-12-3456, 12-34-5678", "SSN [identity number]; part 666-12-3456, 12-34-5678"),
        ("key sk-proj-abcDEF0123456789xyz", "key [key]"),
        ("Authorization: Bearer abc.def-ghi123", "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "[key]"),
        ("password = hunter2!", "[key]"),
        ('{"api_key": "q8w7e6r5"}', '{"[key]"}'),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
            "[key]",
        ),
        ("d41d8cd98f00b204e9800998ecf8427e", "[key]"),
        ("In 1999, 3.14159 is 22/7; see page 1234-1250.", "In 1999, 3.14159 is 22/7; see page 1234-1250."),
        ("a-very-long-name-of-something-without-any-digit", "a-very-long-name-of-something-without-any-digit"),
    ],
)
def test_what_has_the_form_of_a_secret_is_taken_out(text: str, kept: str) -> None:
    """Numbers with a check digit only where it is right; the examples are the standards' and issuers' own."""
    assert redacted(text) == kept


@pytest.mark.parametrize(
    "secret",
    [
        "DB_PASSWORD=hunter2xx", 'client_secret: "s3cret, really"', "export SECRET_KEY=s3cretvalue",
        "PASSWORD\n= hunter2x",
        "AWS_SECRET_ACCESS_KEY=hunter2/K7MDENG", "AccountKey=s3cret1234==", "X-Api-Key: s3cret12345",
        "Authorization: Token s3cret12345", "cookie: session=s3cret; theme=dark", '"token" => "s3cretefgh"',
        '{\\"api_key\\": \\"s3cretvalue\\"}', '{"password": "s3\\"cret"}', "my password is hunter2hunter",
        "https://user:s3cret@host/", "postgres://user:hunter2/x@db.host/x", "gsk_s3cretefghijkl1234",
        "_ghp_s3cretefghijkl1234",
        "hvs.s3cretIJabcdefabcdef12", "SG.s3cretghij.klmnopqrstuvwx",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\ns3cret\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2 (x-y)\n\ns3cret+/=\nno end",
        "-----BEGIN EC PRIVATE KEY-----\\ns3cret\\n-----END EC PRIVATE KEY-----",
        "4111.1111.1111.1111", "4111\u00a01111\u00a01111\u00a01111", "4111\u200b1111\u200b1111\u200b1111",
        "4111\u20131111\u20131111\u20131111",
        "\uff14\uff11\uff11\uff11 1111 1111 1111", "\u0664111 1111 1111 1111", "on 1234 4111 1111 1111 1111 12",
        "+49\u00a0151\u00a023456789", "DE89-3704-0044-0532-0130-00", "a\uff20example.org",
    ],
)  # fmt: skip
def test_secrets_are_found_as_callers_write_them(secret: str) -> None:
    """Found by attack: names with an underscore, JSON in JSON, headers of keys, other spaces and other digits."""
    kept = redacted(f"see {secret}")
    assert kept.startswith("see ")
    for part in ("s3", "hunter", "cret", "1111", "3456", "3704", "\uff20"):
        assert part not in kept


@pytest.mark.parametrize(
    "text",
    [
        "\uff08全角\uff09“\uff11\uff12\uff13” — it's “fine”\u00a0… ﬁ ①",
        "max_tokens: 4096, tokens = 20, the token count: 5000",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "the password is wrong", "http://localhost:8000/v1?at=@b",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays_as_it_was_written(text: str) -> None:
    """Patterns see another writing of a text; what is kept is the text's own."""
    assert redacted(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1 ", "a@", "+1(", "AB12 ", "eyJ.", "=:", "sk-", ".a@b", "A1/", "0-", "token ", "123 ", "http://a:",
        "cookie:", 'token="\\a', "password\n", "-----BEGIN PRIVATE KEY-----", "secret_", "token is ",
        "\uff11\u00a0", "-",
    ],
)  # fmt: skip
def test_hostile_texts_are_done_with(piece: str) -> None:
    """What almost matches again and again ends all the same, at once (measured: 4 to 20 ms for 12,000 characters)."""
    text = (piece * 12_000)[:12_000]
    assert 0 < len(redacted(text)) < 5 * len(text)


def test_files_are_private_and_by_route_and_day(tmp_path: Path) -> None:
    """A route's name cannot leave the folder; folder and file are the owner's alone; texts are cut."""
    keeper = TextKeeper(tmp_path / "shadow", lambda: NOW)
    assert keeper.keep("a/../../b", "x1", ("p" * 20_000, "ours\ud800", "theirs"))
    (path,) = (tmp_path / "shadow").rglob("*.jsonl")
    assert path == tmp_path / "shadow" / "a%2F..%2F..%2Fb" / "2023-11-14.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    row = json.loads(path.read_text("utf-8"))
    assert len(row["prompt"]) == 12_000
    assert (row["id"], row["primary"]) == ("x1", "ours?")


def test_a_secret_at_the_cut_is_not_halved(tmp_path: Path) -> None:
    """What begins before the 12,000th character and ends after it is seen whole."""
    keeper = TextKeeper(tmp_path, lambda: NOW)
    text = "p " * 5_990 + "password=hunter2hunter2hunter2hunter2hunter2" + " p" * 6_000
    assert keeper.keep("qwen", "x", (text, "o", "c"))
    (path,) = tmp_path.rglob("*.jsonl")
    row = json.loads(path.read_text("utf-8"))
    assert "hunter" not in row["prompt"]
    assert "[key]" in row["prompt"]
    assert len(row["prompt"]) == 12_000


def test_a_disk_that_is_full_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system writes half of a line: it is taken back, and the error is told."""
    keeper = TextKeeper(tmp_path, lambda: NOW)
    assert keeper.keep("qwen", "x1", TEXTS)
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(OSError, match="No space left"):
        keeper.keep("qwen", "x2", TEXTS)
    monkeypatch.undo()
    assert keeper.keep("qwen", "x3", TEXTS)
    (path,) = tmp_path.rglob("*.jsonl")
    assert [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()] == ["x1", "x3"]


def test_a_full_file_takes_no_more(tmp_path: Path) -> None:
    """It is said by False, and what is there stays whole."""
    keeper = TextKeeper(tmp_path, lambda: NOW, most_bytes=300)
    kept = [keeper.keep("qwen", f"x{n}", TEXTS) for n in range(10)]
    assert kept == sorted(kept, reverse=True)
    assert 0 < sum(kept) < 10
    (path,) = tmp_path.rglob("*.jsonl")
    assert len(path.read_text().splitlines()) == sum(kept)
    assert path.stat().st_size <= 300


def test_days_are_forgotten_after_thirty(tmp_path: Path) -> None:
    """Only our own files; a link in a file's place is not written through."""
    folder = tmp_path / "qwen"
    folder.mkdir()
    for name in ("2023-10-14.jsonl", "2023-10-15.jsonl", "2023-10-16.jsonl", "mine.jsonl"):
        (folder / name).write_text("")
    keeper = TextKeeper(tmp_path, lambda: NOW)
    keeper.keep("another", "x", TEXTS)
    assert KEPT_DAYS == 30
    assert {path.name for path in folder.iterdir()} == {"2023-10-16.jsonl", "mine.jsonl"}
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "2023-11-14.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        keeper.keep("link", "x", TEXTS)
    assert not (tmp_path / "elsewhere").exists()
