"""What the gateway stands on: its disk, its database, its clock, its file."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scene import CHAT, Scene, by_body, good, postgres, scene, stream_of
from table import Table, chain, charged_of, counted, passing

from weighbridge.testing.upstream_double import UpstreamDouble, answer

if TYPE_CHECKING:
    from collections.abc import Callable

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def disk(table: Table) -> None:
    """Fill the disk up under load, nearly and wholly, and make room again."""
    double = UpstreamDouble(good)
    with scene() as at, double.running():
        work = at.folder / "work"
        work.mkdir()
        if (
            os.getuid()
            or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", work], check=False).returncode
        ):
            print("| disk full | needs root, to mount a small disk | not run |")
            return
        try:
            at.write({"good": double.url})
            key = at.key("app", "--usd-per-day", "10")
            with at.served():
                asyncio.run(at.load([key], ["good"], 8, passing(1)))
                (work / "ballast").write_bytes(b"x" * (shutil.disk_usage(work).free - (10 << 20)))
                nearly = asyncio.run(at.load([key], ["good"], 8, passing(3)))
                fill(work / "more")
                full = asyncio.run(at.load([key], ["good"], 8, passing(2)))
                ready = asyncio.run(at.call("GET", "/readyz", "")).status
                (work / "ballast").unlink()
                (work / "more").unlink()
                started = time.monotonic()
                while asyncio.run(at.ask(key, "good")).status != 200 and time.monotonic() < started + 20:
                    time.sleep(0.02)
                took = time.monotonic() - started
            holds = at.cli("audit", "verify")["holds"]
        finally:
            subprocess.run(["umount", work], check=False)
    late = nearly[len(nearly) // 2 :] + full
    table.row(
        "the disk fills up under load, and has room again",
        f"nearly full (10 MB free): {counted(nearly)}; full: {counted(full)}; `/readyz` {ready}; served {took:.1f} s "
        f"after room was made; {chain(holds=holds)}",
        holds=holds and ready == 503 and took < 5 and {said.code for said in late} == {"audit_unavailable"},
    )


def fill(path: Path) -> None:
    """Take the last byte of a disk."""
    with path.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while stream.write(b"x" * size):
                    pass
            except OSError:
                continue


def database(table: Table) -> None:
    """Take the database away under load and give it back: SQLite's file, then PostgreSQL."""
    double = UpstreamDouble(good)
    with scene() as at, double.running():
        at.write({"good": double.url})
        away = at.folder / "away"
        away.mkdir()

        def leave() -> None:
            for path in (at.folder / "work").glob("pilot.sqlite*"):
                path.rename(away / path.name)

        def come() -> None:
            for path in away.iterdir():
                path.rename(at.folder / "work" / path.name)

        gone_and_back(table, at, "SQLite's file moved away", leave, come)
    if shutil.which("initdb") is None and not Path("/usr/lib/postgresql").exists():
        print("| PostgreSQL stopped | needs its programs | not run |")
        return
    with postgres() as server, scene(WEIGHBRIDGE_PILOT_DATABASE=server.address) as at, double.running():
        at.write({"good": double.url})
        gone_and_back(table, at, "PostgreSQL stopped at once", server.stop, server.start)


def gone_and_back(table: Table, at: Scene, what: str, leave: Callable[[], None], come: Callable[[], None]) -> None:
    """Take the database away from a gateway under load, and give it back."""
    free, rich = at.key("free"), at.key("rich", "--usd-per-day", "1")  # leases of $0.01: fifty answers
    with at.served():
        asyncio.run(at.load([free, rich], ["good"], 8, passing(1)))
        leave()
        during = asyncio.run(at.load([free, rich], ["good"], 8, passing(4)))
        come()
        started = time.monotonic()
        while asyncio.run(at.ask(rich, "good")).status != 200 and time.monotonic() < started + 30:
            time.sleep(0.02)
        took = time.monotonic() - started
        at.cli("pilot", "key", "revoke", free.split("_")[1])
        revoked = time.monotonic()
        while asyncio.run(at.ask(free, "good")).status != 401 and time.monotonic() < revoked + 10:
            time.sleep(0.01)
        ended = time.monotonic() - revoked
        after = asyncio.run(at.load([rich], ["good"], 8, passing(1)))
    charged = charged_of(at, rich)
    allowed = {"", "budget_unavailable"}
    table.row(
        f"{what} for 4 s under load",
        f"meanwhile {counted(during)}; a budget pays again {took:.1f} s after it is back, a revocation counts within "
        f"{ended:.2f} s; then {counted(after)}; charged {charged:.2f} of 1 USD",
        holds={said.code for said in during} <= allowed and all(said.status == 200 for said in after)
        and took < 5 and ended < 1 and charged <= 1,
    )  # fmt: skip


def clock(table: Table) -> None:
    """Have the wall clock jump two hours ahead and a day back, under load."""
    if not _FAKETIME.exists():
        print("| clock | needs libfaketime | not run |")
        return
    double = UpstreamDouble(good)
    double.play = by_body(double, [answer(CHAT)], stream_of(5, 0.01))
    with scene() as at, double.running():
        at.write({"good": double.url})
        lasting, ending = (
            at.key("a", "--requests-per-minute", "6000", "--usd-per-day", "5"),
            at.key("b", "--expires-in", "1h"),
        )
        face = at.folder / "clock"
        face.write_text("+0\n")
        env = {"LD_PRELOAD": str(_FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(face), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
               "FAKETIME_NO_CACHE": "1"}  # fmt: skip
        seen = []
        with at.served(**env):
            for jump in ("+0", "+2h", "-1d", "+0"):
                face.write_text(f"{jump}\n")
                time.sleep(0.1)
                found = asyncio.run(at.load([lasting, ending], ["good"], 8, passing(1.5)))
                status = asyncio.run(at.ask(ending, "good")).status
                others = {said.status for said in found} - ({401} if status == 401 else set())
                seen.append((jump, status, others))
        holds = at.cli("audit", "verify")["holds"]
    told = "; ".join(f"{jump}: key of an hour {status}, others {sorted(others)}" for jump, status, others in seen)
    table.row(
        "the wall clock jumps under load",
        f"{told}; {chain(holds=holds)}",
        holds=holds and [status for _, status, _ in seen] == [200, 401, 401, 401] and all(o == {200} for *_, o in seen),
    )


def reload(table: Table, seconds: float) -> None:
    """Change the file under load, every third time to a wrong one."""
    one, two = UpstreamDouble(good), UpstreamDouble(good)
    for double in (one, two):
        double.play = by_body(double, [answer(CHAT)], stream_of(20, 0.01))
    with scene() as at, one.running(), two.running():
        texts = []
        for url in (one.url, two.url):
            at.write({"good": url, "other": two.url})
            texts.append((at.folder / "gateway.toml").read_text())
        key = at.key("app")
        with at.served():
            end, turns, until = passing(seconds), 0, 0.0

            def change() -> bool:
                nonlocal turns, until
                if time.monotonic() > until:  # it is read when it was seen twice alike, two seconds apart
                    turns, until = turns + 1, time.monotonic() + 6
                    text = texts[turns % 2] if turns % 3 else texts[0] + "wrong = ["
                    (at.folder / "gateway.toml").write_text(text)
                return end()

            found = asyncio.run(at.load([key], ["good", "other"], 16, change))
        errors = at.errors.read_text()
    broken = [said for said in found if said.status != 200 or not said.is_whole or said.code]
    done, refused = errors.count("routes.reloaded"), errors.count("the changed file is refused")
    table.row(
        f"`gateway.toml` changed under load, {turns} times",
        f"{len(found)} answers, {len(broken)} failed; {done} lines say reloaded, {refused} say refused; "
        f"{len(one.asked)} and {len(two.asked)} requests at the two models",
        holds=not broken and done > 0 and refused > 0 and bool(one.asked) and bool(two.asked),
    )
