"""The pages over a store that holds one weighing, served by uvicorn on a free port of this machine."""

from __future__ import annotations

import http.client
import json
import runpy
import shutil
import socket
import threading
import time
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import uvicorn

from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.app import create_app
from weighbridge.web.pages.pilot.room import PilotRoom
from weighbridge.web.pilot import access_by_ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser
    from starlette.applications import Starlette

    from weighbridge.store.protocol import Store

OPERATOR = "ann"
TODAY = date(2026, 11, 22)
_BUILDERS = Path(__file__).parents[1] / "unit" / "dossier" / "weighed.py"


class Served:
    """A running server, the ids in its store, and a client that says what it asks for."""

    def __init__(self, port: int, ids: SimpleNamespace) -> None:
        self.port = port
        self.ids = ids
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> SimpleNamespace:
        """Return status, headers and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=answer.read().decode())
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """Return the JSON of an answer that must be there."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return json.loads(answer.text)


ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's chromium once."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def weighed() -> SimpleNamespace:
    """Return the builders of the weighing by name."""
    return SimpleNamespace(**runpy.run_path(str(_BUILDERS)))


def filled(place: Path, weighed: Any) -> SimpleNamespace:
    """Fill a store with one weighing and three decisions; return their ids."""
    store = SQLiteStore(place)
    try:
        statements = [store.add(one) for one in weighed.evidence()]
        return SimpleNamespace(
            subject=weighed.SUBJECT,
            statements=statements,
            reject=store.add(weighed.decided()),
            hold=store.add(weighed.decided(verdict="hold", policy_name="internal-tool", expires_on="2027-05-01")),
            expired=store.add(weighed.decided(verdict="adopt", policy_name="old", expires_on="2026-11-20")),
        )
    finally:
        store.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, weighed: Any) -> Iterator[Served]:
    """Serve the pages in a thread for the whole session."""
    place = tmp_path_factory.mktemp("workspace") / "evidence.sqlite"
    ids = filled(place, weighed)
    with closing(SQLiteStore(place, read_only=True)) as store, serving(store, ids) as running:
        yield running


@contextmanager
def serving(store: Store, ids: SimpleNamespace) -> Iterator[Served]:
    """Serve the pages over a store in a thread."""
    with running(lambda _: create_app(store, lambda: TODAY)) as port:
        yield Served(port, ids)


@contextmanager
def running(make: Callable[[int], Starlette]) -> Iterator[int]:
    """Run an application in a thread; `make` is told the port, which is yielded."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = make(listener.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="session")
def serve_over() -> Callable[[Store], AbstractContextManager[Served]]:
    """Return what serves the pages over any store."""
    return lambda store: serving(store, SimpleNamespace())


class Guest:
    """A browser without a screen: it keeps cookies, names its origin where a form is sent, and follows nothing."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.port = port
        self.jar: dict[str, str] = {}

    def ask(
        self, path: str, form: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None
    ) -> SimpleNamespace:
        """Return status, headers, text, and where it leads; with `form` it is a POST."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
        if form is not None:
            sent |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        sent |= headers or {}
        body = urlencode(form, doseq=True) if form is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET" if form is None else "POST", path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return SimpleNamespace(
            status=answer.status, headers=answer.headers, text=text, leads=answer.headers.get("location", "")
        )


@pytest.fixture(scope="session")
def run_app() -> Callable[..., AbstractContextManager[int]]:
    """Return what runs an application in a thread."""
    return running


@pytest.fixture(scope="session")
def guest() -> Callable[[int], Guest]:
    """Return what makes a visitor of a port."""
    return Guest


@pytest.fixture(scope="session")
def pilots() -> SimpleNamespace:
    """Return the builders of a pilot by name."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("piloted.py"))))


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory, weighed: Any, pilots: Any) -> SimpleNamespace:
    """Return a workspace with a pilot, one a file of tests."""
    found: SimpleNamespace = pilots.build(tmp_path_factory.mktemp("pilot") / "work", weighed, 300)
    return found


@pytest.fixture(scope="module")
def enter(pilot: SimpleNamespace, pilots: Any) -> Iterator[Callable[..., Guest]]:
    """Return what serves the pilot's pages and lets a guest in; `operates` says as what."""
    with ExitStack() as stack:

        def come(*, operates: bool = True, config: Path | None = None) -> Guest:
            access = access_by_ticket(OPERATOR, operates=operates)
            room = PilotRoom(pilot.folder, gateway_file=config, operates=operates, now=lambda: pilots.NOW)
            stack.callback(room.close)
            store = stack.enter_context(closing(SQLiteStore(pilot.folder / "evidence.sqlite", read_only=True)))
            app = create_app(store, lambda: TODAY, folder=pilot.folder, room=room, access=access)
            guest = Guest(stack.enter_context(running(lambda _: app)))
            assert access.ticket is not None
            assert guest.ask(access.ticket.path).leads == "/pilot"
            return guest

        yield come
