"""`weighbridge ui`: who may come from where, said before anything is served."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from weighbridge.cli.main import main
from weighbridge.errors import UsageError
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.waiting import first_document
from weighbridge.web.pilot import gateway_file_of

if TYPE_CHECKING:
    from pathlib import Path

OIDC = """
issuer = "https://id.example.org"
client_id = "weighbridge"
client_secret_env = "MADE_UP_SECRET"
origin = "https://pilot.example.org"
[viewer]
groups = ["staff"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a workspace with an empty store."""
    with closing(SQLiteStore(tmp_path / "work" / "evidence.sqlite")):
        pass
    return tmp_path / "work"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--oidc"),
        (["--host", "0.0.0.0", "--behind-proxy"], "--oidc"),
        (["--oidc", "{oidc}"], "MADE_UP_SECRET"),
        (["--oidc", "{bad}"], "not TOML"),
        (["--tls-cert", "{bad}"], "--tls-key"),
        (["--config", "{gateway}"], "workspace"),
    ],
)
def test_what_would_be_open_or_cannot_work_is_refused(
    folder: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another address without a login, a login without its secret, a file of another workspace: exit code 2, a hint."""
    monkeypatch.delenv("MADE_UP_SECRET", raising=False)
    files = {"oidc": OIDC, "bad": "= no", "gateway": _GATEWAY}
    for name, text in files.items():
        (folder.parent / name).write_text(text)
    given = [word.format(**{name: folder.parent / name for name in files}) for word in words]
    with pytest.raises(UsageError) as error:
        main.main(["ui", str(folder), "--port", "0", *given], standalone_mode=False)
    assert error.value.exit_code == 2
    assert said in f"{error.value.message} {error.value.hint}"


def test_the_file_beside_counts_only_where_it_is_of_this_workspace(folder: Path) -> None:
    """A `gateway.toml` that happens to be here, wrong or of another workspace, keeps nobody from the evidence."""
    file = folder.parent / "gateway.toml"
    assert gateway_file_of(None, file, folder) is None
    for text in ("= no", _GATEWAY):
        file.write_text(text)
        assert gateway_file_of(None, file, folder) is None
    file.write_text(_GATEWAY.replace("elsewhere", folder.name))
    assert gateway_file_of(None, file, folder) == file
    assert gateway_file_of(file, file, folder) == file


def test_the_link_that_is_printed_lets_in_and_the_bare_address_does_not(folder: Path) -> None:
    """A real process: JSON on stdout, the ticket opens the pilot's pages, and Ctrl-C ends it."""
    command = [sys.executable, "-m", "weighbridge", "ui", str(folder), "--port", "0", "--operate", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        told = first_document(process)
        assert told["operates"] is True
        port = urlsplit(told["url"]).port
        assert _status(port, "/pilot.json") == 401
        assert _status(port, told["pilot"].removeprefix(told["url"][:-1])) == 303
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _status(port: int | None, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


_GATEWAY = """
[gateway]
workspace = "elsewhere"
[[route]]
name = "coder"
decision = "latest"
reference = "hf:a/b"
policy = "starter"
[route.upstream]
url = "http://127.0.0.1:8000/v1"
model = "coder"
"""
