"""A browser's page over a server of ours, that fails the test for what it complains of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

__all__ = ["paging"]


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
