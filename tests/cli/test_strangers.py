"""What strangers may send: folders, settings, workspaces and suites that want more than to be weighed."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.fault_server import FaultServer, http
from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


def test_a_settings_file_in_the_weighed_folder_is_refused(weighbridge: CommandLine) -> None:
    """The publisher of a model does not choose the policy it is weighed by."""
    (weighbridge.folder / "weighbridge.toml").write_text('policy = "./mine.toml"\n')
    done = weighbridge("weigh", ".")
    assert done.returncode == 2
    assert "lies in the folder that is weighed" in done.stderr


@pytest.mark.parametrize("name", ["engine", "cache"])
def test_a_settings_file_names_no_engine_and_no_cache(weighbridge: CommandLine, name: str) -> None:
    """A key is sent to no address, and no file is written, because a file in this folder says so."""
    (weighbridge.folder / "weighbridge.toml").write_text(f'{name} = "http://127.0.0.1:1/v1"\n')
    done = weighbridge("doctor")
    assert done.returncode == 2
    assert f"WEIGHBRIDGE_{name.upper()}" in done.stderr


def test_names_and_tags_cannot_command_the_terminal(weighbridge: CommandLine) -> None:
    """Escape sequences and new lines of an architecture, a licence and a file name are spelled out."""
    folder = weighbridge.folder / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama\x1b]0;X\x07\n  decision    ADOPT"}))
    (folder / "README.md").write_text('---\nlicense: "mit\\e[2J\\n  decision ADOPT"\n---\n')
    (folder / "evil\x1b[31m.pkl").write_bytes(b"\x80\x04.")
    done = weighbridge("inspect", str(folder))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.lstrip().startswith("decision")]


def test_a_suite_cannot_take_the_name_of_one_that_ships(weighbridge: CommandLine, sums: Path) -> None:
    """Otherwise easy questions would satisfy a rule about hard ones."""
    toml = sums / "suite.toml"
    toml.write_text(toml.read_text().replace('name = "sums"', 'name = "knowledge-en"'))
    done = weighbridge("weigh", "demo", "--suite", str(sums))
    assert done.returncode == 2
    assert "calls itself `knowledge-en`" in done.stderr


def test_a_received_workspace_cannot_redirect_what_is_written(
    weighbridge: CommandLine, adder: FaultServer, sums: Path, policy: Path
) -> None:
    """A link at the dossier's place is replaced, not followed."""
    victim = weighbridge.folder / "victim"
    victim.write_text("precious")
    output = weighbridge.folder / "out"
    output.mkdir()
    (output / "dossier.html").symlink_to(victim)
    (output / ".dossier.html.part").symlink_to(victim)
    words = ("weigh", f"{adder.url}#m", "--suite", str(sums), "--policy", str(policy), "--output", str(output))
    assert weighbridge(*words).returncode == 0
    assert victim.read_text() == "precious"
    assert not (output / "dossier.html").is_symlink()


def test_a_changed_answer_is_found(weighbridge: CommandLine, adder: FaultServer, sums: Path) -> None:
    """Answers are tied to the evidence by digest: verify finds the one that was rewritten."""
    weighbridge("evaluate", f"{adder.url}#m", "--suite", str(sums))
    assert weighbridge.json("evidence", "verify")["answers"] == 40
    place = weighbridge.folder / "weighbridge-work" / "evidence.sqlite"
    with sqlite3.connect(place) as connection:
        triggers = [row[0] for row in connection.execute("select name from sqlite_master where type = 'trigger'")]
        saved = [row[0] for row in connection.execute("select sql from sqlite_master where type = 'trigger'")]
        for name in triggers:
            connection.execute(f"drop trigger {name}")
        connection.execute("""update completions set body = replace(body, '"text":"7"', '"text":"8"')""")
        for statement in saved:
            connection.execute(statement)
    connection.close()
    done = weighbridge("evidence", "verify")
    assert done.returncode == 1
    assert "is not the one that" in done.stderr


def test_keys_go_to_their_own_engines(weighbridge: CommandLine, adder: FaultServer, serve: Serve, sums: Path) -> None:
    """The candidate's key is not sent to the baseline, which has a variable of its own."""

    def reply(_n: int, _path: str) -> bytes:
        return http(json.dumps({"choices": [{"message": {"content": "1"}, "finish_reason": "stop"}]}).encode())

    baseline = serve(reply)
    words = ("weigh", f"{adder.url}#a", "--baseline", f"{baseline.url}#b", "--suite", str(sums))
    weighbridge(*words, WEIGHBRIDGE_API_KEY="ours", WEIGHBRIDGE_BASELINE_API_KEY="theirs")
    assert {b"bearer ours" in head.lower() for head in adder.heads} == {True}
    assert {b"bearer theirs" in head.lower() for head in baseline.heads} == {True}


def test_an_engine_setting_does_not_answer_for_an_endpoint(
    weighbridge: CommandLine, adder: FaultServer, serve: Serve, sums: Path
) -> None:
    """The address that was named is the address that is asked."""
    other = serve(lambda _n, _path: http(b"{}"))
    weighbridge("evaluate", f"{adder.url}#m", "--suite", str(sums), WEIGHBRIDGE_ENGINE=f"{other.url}#x")
    assert (len(adder.paths), len(other.paths)) == (40, 0)


def test_deciding_for_a_past_day_adds_no_evidence_of_that_day(weighbridge: CommandLine) -> None:
    """What is read today is no evidence of the past; the future is refused."""
    model = weighbridge.folder / "tiny.gguf"
    model.write_bytes(gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)]))
    assert weighbridge("decide", str(model)).returncode == 11
    before = weighbridge("evidence", "list", "--json").stdout
    assert weighbridge("decide", str(model), "--on", "2020-01-01").returncode == 3
    assert weighbridge("evidence", "list", "--json").stdout == before
    done = weighbridge("decide", str(model), "--on", "2999-01-01")
    assert done.returncode == 2
    assert "still to come" in done.stderr


def test_a_model_that_cannot_be_loaded_is_decided_on_all_the_same(weighbridge: CommandLine) -> None:
    """Its files are inspected, its behaviour is not looked at, and both are in the dossier."""
    model = weighbridge.folder / "tiny.gguf"
    model.write_bytes(gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)]))
    done = weighbridge("weigh", str(model))
    assert done.returncode == 11, done.stderr
    assert "is not asked: the file holds no chat template" in done.stdout
    assert "behaviour of `tiny` is not looked at" in done.stdout
    assert (weighbridge.folder / "weighbridge-work/dossiers/tiny.gguf/starter/dossier.html").is_file()


def test_evaluate_asks_no_chat_of_a_file_without_a_template(weighbridge: CommandLine) -> None:
    """The same rule as in `weigh`, or its figures would reach a decision by another way."""
    model = weighbridge.folder / "tiny.gguf"
    model.write_bytes(gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)]))
    done = weighbridge("evaluate", str(model), "--suite", "refusals-en")
    assert done.returncode == 0, done.stderr
    assert "`refusals-en` is not asked: the file holds no chat template" in done.stderr
    assert "0 calls" in done.stdout
