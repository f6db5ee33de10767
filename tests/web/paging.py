"""Our pages as tests see them: an application served in a thread, and a browser that fails the test for complaints."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from starlette.applications import Starlette

__all__ = ["paging", "served"]


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """Serve an application in a thread, and return its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join(timeout=20)


@contextmanager
def paging(browser: Browser, url: str, *, script: bool) -> Iterator[Page]:
    """Open a page; fail afterwards for a complaint of the browser or a request to anywhere but `url`."""
    context = browser.new_context(java_script_enabled=script, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    yield page
    context.close()
    assert complaints == []
    assert [one for one in requests if not one.startswith((url, "data:"))] == []
