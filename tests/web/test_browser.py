from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.dossier.digest.page import html, tell
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History
from weighbridge.watch.digest.rules import shipped_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, served: Any) -> Iterator[Page]:
    """Open a page without script; fail afterwards for an error on the console or a request to elsewhere."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith((served.url, "data:"))] == []


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_keyboard_alone_leads_from_home_to_the_dossier(page: Page, served: Any) -> None:
    """Tab and Enter: skip link first, then Home, Decision, Dossier, and from a number to its questions."""
    page.goto(served.url)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the page"
    _tab_to(page, f'a[href="/decision/{served.ids.reject}"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/decision/**")
    assert page.locator("section.verdict").inner_text().split("\n")[1] == "Reject"
    _tab_to(page, f'a[href="/dossier/{served.ids.reject}"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/dossier/**")
    assert page.locator("h1").inner_text() == "SmolLM2-135M-Instruct"
    _tab_to(page, 'a[href^="#items-"]')
    page.keyboard.press("Enter")
    assert page.locator(":target td.mark").first.is_visible()


def test_the_filter_works_without_script(page: Page, served: Any) -> None:
    """Choosing a kind and a name by keyboard and pressing Enter shows the matching statements."""
    page.goto(f"{served.url}/evidence")
    _tab_to(page, "#kind")
    page.keyboard.type("Score")
    page.keyboard.press("Tab")
    page.keyboard.type("smollm2")
    page.keyboard.press("Enter")
    page.wait_for_url("**kind=score*")
    assert page.locator("caption").inner_text() == "2 statements, newest first"


def test_focus_can_be_seen(page: Page, served: Any) -> None:
    """The focused link looks different from the same link without focus."""
    page.goto(served.url)
    link = page.locator('nav a[href="/evidence"]')
    box = link.bounding_box()
    assert box is not None
    clip = {"x": box["x"] - 6, "y": box["y"] - 6, "width": box["width"] + 12, "height": box["height"] + 12}
    before = page.screenshot(clip=clip)  # type: ignore[arg-type]  # playwright's FloatRect is a TypedDict
    _tab_to(page, 'nav a[href="/evidence"]')
    assert page.screenshot(clip=clip) != before  # type: ignore[arg-type]  # as above


def _luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, by WCAG 2.2."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


_CONTRASTS = """() => [...document.querySelectorAll('h1,h2,p,td,th,a,dd,dt,code,summary,.chip,.outcome,caption')]
  .filter(e => e.offsetParent && e.innerText.trim()).map(e => {
    let ground = e;
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    return [getComputedStyle(e).color, getComputedStyle(ground).backgroundColor]; })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pattern", ["/", "/decision/{}", "/dossier/{}"])
def test_text_can_be_read_in_light_and_dark(browser: Browser, served: Any, scheme: Any, pattern: str) -> None:
    """Every text has a contrast of 4.5 to 1 or more with its ground (WCAG 2.2 AA), and dark is dark."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(served.url + pattern.format(served.ids.reject))
    pairs = page.evaluate(_CONTRASTS)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert (_luminance(ground) < 0.1) == (scheme == "dark")
    assert len(pairs) > 50
    ratios = {
        (text, behind): (max(_luminance(text), _luminance(behind)) + 0.05)
        / (min(_luminance(text), _luminance(behind)) + 0.05)
        for text, behind in map(tuple, pairs)
    }
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("width", [360, 1100])
def test_no_page_is_wider_than_the_window(browser: Browser, served: Any, width: int) -> None:
    """Wide tables scroll inside themselves, on a telephone too."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    widths = {}
    for path in ("/", "/evidence", f"/model/{served.ids.subject}", f"/decision/{served.ids.reject}",
                 f"/evidence/{served.ids.reject}", f"/evidence/{served.ids.statements[3]}",
                 f"/dossier/{served.ids.reject}?language=zh"):  # fmt: skip
        page.goto(served.url + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert {path: found for path, found in widths.items() if found > width} == {}


def test_a_dark_screenshot_is_a_picture(browser: Browser, served: Any) -> None:
    """The dossier in dark mode paints text, tables and a chart: far more than an empty page of its height."""
    page = browser.new_page(color_scheme="dark", viewport={"width": 1100, "height": 900})
    page.goto(f"{served.url}/dossier/{served.ids.reject}")
    picture = page.screenshot(full_page=True)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_content(f"<body style='margin:0;background:#14171c;height:{height}px'>")
    blank = page.screenshot(full_page=True)
    page.close()
    assert len(picture) > 20 * len(blank)


def test_the_dossier_prints(browser: Browser, served: Any) -> None:
    """On paper: no navigation, black on white, and links to questions say where they lead."""
    page = browser.new_page(color_scheme="dark")
    page.emulate_media(media="print")
    page.goto(f"{served.url}/dossier/{served.ids.reject}")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    after = page.evaluate("getComputedStyle(document.querySelector('a[href^=\"#items-\"]'), '::after').content")
    assert "#items-" in after
    paper = page.pdf(prefer_css_page_size=True)
    page.close()
    assert paper.startswith(b"%PDF")


def test_hostile_names_of_a_digest_stay_text(browser: Browser, tmp_path: Path) -> None:
    """With script allowed nothing runs, nothing is fetched, a telephone shows the whole width, and paper has it all."""
    scene = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "watch" / "digest" / "scene.py"))
    view = View((), shipped_rules(), load_knowledge(), History({}, {}))
    digest = compile_digest(scene["events"](), view, (None, scene["SEEN"]))
    place = tmp_path / "digest.html"
    place.write_bytes(html(tell(digest, shipped_rules(), {})))
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(place.as_uri())
    assert page.title() == "What changed, and what does it mean for us?"
    assert "<script>" in page.locator("h2", has_text="someone/").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert requests == [place.as_uri()]
    assert complaints == []
    page.emulate_media(media="print")
    assert page.locator(".digest-item dl").last.is_visible()
    context.close()
