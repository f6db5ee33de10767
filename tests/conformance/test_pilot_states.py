"""Every state of a pilot keeps the laws; and the laws notice one that does not."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.state.laws import StateLaws, laws_of_a_state
from weighbridge.pilot.state.protocol import Lease, LeaseAsk
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.pilot.state.protocol import PilotState

TestSQLiteState = laws_of_a_state(lambda folder: SQLiteState(folder / "pilot.sqlite"))


class Generous(SQLiteState):
    """A state that breaks one law: it grants whatever is wanted."""

    def lease(self, asks: Sequence[LeaseAsk]) -> list[Lease]:
        """Grant all."""
        super().lease(asks)
        return [Lease(ask.wanted) for ask in asks]


def test_the_laws_notice_a_generous_state(tmp_path: Path) -> None:
    """A kit that passes everything proves nothing."""
    laws = laws_of_a_state(lambda folder: Generous(folder / "pilot.sqlite"))()
    with pytest.raises(AssertionError, match="no more than the day's"):
        laws.test_no_budget_is_leased_beyond_itself(tmp_path)
    with pytest.raises(AssertionError, match="the leases are the budget"):
        laws.test_nodes_share_a_budget(tmp_path / "shared")


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb")
    return folders[-1].parent if folders else Path(found).resolve().parent if found else None


@pytest.fixture(scope="class")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL of our own on a socket in a folder of its own, and return its address."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    if user and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user `postgres`")
    folder = Path(tempfile.mkdtemp(prefix="wbpg", dir="/tmp"))  # a socket's path is at most 107 bytes
    if user:
        shutil.chown(folder, user)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=40"

    def run(program: str, *words: str) -> None:
        log = folder / "log"
        with tempfile.TemporaryFile() as out:
            done = subprocess.run([programs / program, "-D", folder / "data", *words], user=user, cwd=folder,
                                  stdout=out, stderr=subprocess.STDOUT, check=False, timeout=60)  # fmt: skip
            out.seek(0)
            assert done.returncode == 0, (out.read(), log.exists() and log.read_text())

    run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "--no-instructions", "--locale=C", "-E", "UTF8")
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"host={folder} user=postgres dbname=postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


class TestPostgresState(StateLaws):
    """The same laws over a real server; a folder is a database of it."""

    address: str

    @pytest.fixture(autouse=True)
    def _server(self, postgres: str) -> None:
        self.address = postgres

    def open_state(self, folder: Path) -> PilotState:
        """Open the database that stands for a folder, made where it is missing."""
        import psycopg

        from weighbridge.pilot.state.postgres import PostgresState

        name = f"db_{abs(hash(folder))}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return PostgresState(self.address.replace("dbname=postgres", f"dbname={name}"))

    def test_a_database_that_was_gone_is_used_again(self, tmp_path: Path) -> None:
        """A broken connection fails one call in words of ours, without the address, and the next one is whole."""
        import psycopg

        state = self.open_state(tmp_path)
        assert (state.key_version(), state.same_pepper("one")) == (0, True)
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weighbridge pilot'"
            )
        for call in (state.key_version, lambda: state.same_pepper("one")):
            with pytest.raises(WeighbridgeError, match="cannot be reached") as gone:
                call()
            assert "host" not in str(gone.value)
        assert (state.key_version(), state.same_pepper("one")) == (0, True)
        state.close()
