"""The pilot's pages in a real browser: a form's origin is what the browser says, and the cookie is what it keeps."""

from __future__ import annotations

import runpy
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_SHARED = runpy.run_path(str(Path(__file__).with_name("test_browser.py")))
ROUTE = "/pilot/route?name=team%2Fcoder"
PAGES = ("/pilot", ROUTE, "/pilot/keys", "/pilot/keys/new", "/pilot/audit", "/pilot/order?do=stop&route=team%2Fcoder")


@pytest.fixture(scope="module")
def guest(enter: Callable[..., Any]) -> Any:
    """Return an operator whose cookies the browser gets."""
    return enter()


@pytest.fixture
def page(browser: Browser, guest: Any) -> Iterator[Page]:
    """Open a page without script, logged in; fail afterwards for an error on the console."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1100, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": guest.origin} for name, value in guest.jar.items()])
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    yield opened
    context.close()
    assert complaints == []


def test_the_canary_is_stopped_by_keyboard_alone(page: Page, guest: Any, pilot: SimpleNamespace) -> None:
    """Tab and Enter, from the card to the order in the journal; Cancel leads back without one."""
    page.goto(f"{guest.origin}/pilot")
    _SHARED["_tab_to"](page, "a.button.stop")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pilot/order**")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/pilot/route**")
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        assert not [one for one in state.entries("team/coder", 0, 100) if one.kind == "order"]
        page.goto(f"{guest.origin}/pilot/order?do=stop&route=team%2Fcoder")
        _SHARED["_tab_to"](page, "#because")
        page.keyboard.type("by keyboard")
        page.keyboard.press("Enter")
        page.wait_for_url("**note=told-stop**")
        assert "order to stop" in page.get_by_role("status").inner_text()
        (order,) = [one for one in state.entries("team/coder", 0, 100) if one.kind == "order"]
    assert order.facts["because"] == "by keyboard"


def test_a_key_is_made_and_revoked_in_the_browser(page: Page, guest: Any) -> None:
    """The form's labels lead to its fields; the key's text can be read and copied; the list names it after."""
    page.goto(f"{guest.origin}/pilot/keys/new")
    page.get_by_label("Name", exact=True).fill("from a browser")
    page.get_by_label("USD a day").fill("3")
    page.get_by_role("button", name="Make the key").click()
    assert page.get_by_label("Key of from a browser").input_value().startswith("wb_")
    page.get_by_role("link", name="back to the keys").click()
    page.get_by_role("link", name="Revoke from a browser").click()
    page.get_by_role("button", name="Revoke").click()
    page.wait_for_url("**note=revoked**")
    assert page.locator("th", has_text="from a browser").count() == 0


def test_leaving_ends_the_session(browser: Browser, enter: Callable[..., Any]) -> None:
    """The button leaves; going back shows nothing of the pilot any more."""
    guest = enter(operates=False)
    context = browser.new_context()
    context.add_cookies([{"name": name, "value": value, "url": guest.origin} for name, value in guest.jar.items()])
    page = context.new_page()
    page.goto(f"{guest.origin}/pilot")
    assert page.get_by_text("team/coder").count()
    page.get_by_role("button", name="Leave").click()
    page.goto(f"{guest.origin}/pilot")
    assert page.get_by_text("team/coder").count() == 0
    context.close()


@pytest.mark.parametrize("width", [400, 1200])
def test_a_long_path_stays_in_its_line(browser: Browser, guest: Any, width: int) -> None:
    """Every leg can be read whole on a telephone and on a desk, though a reason holds 64 digits."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": guest.origin} for name, value in guest.jar.items()])
    page = context.new_page()
    page.goto(f"{guest.origin}/pilot")
    sizes = page.locator("ul.legs > li").evaluate_all("all => all.map(e => [e.clientWidth, e.scrollWidth])")
    assert len(sizes) == 2
    assert all(seen >= 250 and whole <= seen for seen, whole in sizes), sizes
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_read_on_paper_and_on_a_telephone(browser: Browser, guest: Any, scheme: Any) -> None:
    """At 400 px nothing is wider than the window, every text has a contrast of 4.5 (WCAG 2.2 AA), fields have names."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 400, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": guest.origin} for name, value in guest.jar.items()])
    page = context.new_page()
    for path in PAGES:
        page.goto(guest.origin + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
        assert page.locator("h1").count() == 1
        nameless = "e => e.type !== 'hidden' && !e.labels.length && !e.ariaLabel"
        assert page.evaluate(f"[...document.querySelectorAll('input,select')].filter({nameless}).length") == 0, path
        led: dict[str, set[str]] = {}  # a link's name says where it leads (WCAG 2.4.9)
        named = "all => all.map(e => [e.ariaLabel || e.innerText, e.pathname + e.search])"
        for name, address in page.locator("main a").evaluate_all(named):
            led.setdefault(name, set()).add(address)
        assert [name for name, addresses in led.items() if len(addresses) > 1] == [], path
        assert page.evaluate("[...document.querySelectorAll('table')].filter(e => !e.caption).length") == 0, path
        for ink, ground in page.evaluate(_SHARED["_CONTRASTS"]):
            dark, light = sorted((_SHARED["_luminance"](ink), _SHARED["_luminance"](ground)))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (path, ink, ground)
    page.emulate_media(media="print")
    page.goto(f"{guest.origin}/pilot")
    assert not page.get_by_text("Stop the canary").first.is_visible()
    assert page.get_by_text("team/coder").first.is_visible()
    context.close()
