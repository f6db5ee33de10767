"""A PostgreSQL of our own for the tests of a package, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def database_of(address: str, folder: Path) -> str:
    """Return the address of the database that stands for a folder, made where it is missing."""
    import psycopg

    name = f"db_{abs(hash(folder))}"
    with psycopg.connect(address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return address.replace("dbname=postgres", f"dbname={name}")


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb")
    return folders[-1].parent if folders else Path(found).resolve().parent if found else None


@pytest.fixture(scope="session")
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
