"""The page of behaviour as chromium lays it out: what no unit test of its text can see."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.dossier.behaviour.page import Told, behaviour_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

_BUILDERS = Path(__file__).parents[1] / "unit" / "dossier" / "behaviour" / "conftest.py"
_READABLE = 4.5  # WCAG 2.2, contrast (minimum)

# Colours as a canvas paints them, so that color-mix() and transparency are resolved by the browser itself.
_CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const paint = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (rgb) => { const [r, g, b] = rgb.map((c) => { c /= 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  return [...document.querySelectorAll('table.heat td')].map((cell) => {
    paint(getComputedStyle(document.body).backgroundColor);
    const back = light(paint(getComputedStyle(cell).backgroundColor));
    const text = light(paint(getComputedStyle(cell).color));
    return (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05); });
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the page of two models, every shade of the heat map in it, and return its address."""
    found = runpy.run_path(str(_BUILDERS))["bodies"].__wrapped__()()
    counts = [(9, ours, theirs) for ours, theirs in ((0, 0), (1, 0), (3, 0), (9, 0), (0, 1), (0, 3), (0, 9))]
    cells = [{"items": n, "candidate": ours, "baseline": theirs} for n, ours, theirs in (*counts, (2, 2, 0))]
    found.beside["topics"] = {f"topic {n}": {"en": cell, "zh-Hans": cell} for n, cell in enumerate(cells)}
    told = [Told(kind, body, "cand-7b", "sha256:" + "a" * 64, "2026-11-22") for kind, body in found.by_kind.items()]
    place: Path = tmp_path_factory.mktemp("page") / "behaviour.html"
    place.write_bytes(behaviour_page(told, ".html"))
    return place.as_uri()


def test_a_telephone_shows_the_whole_width(browser: Browser, address: str) -> None:
    """Nothing but tables that scroll by themselves is wider than the window, and every answer lies within it."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes: list[Any] = [one.bounding_box() for one in page.locator("details[open] td.said").all()]
    assert len(boxes) == 16
    assert all(box["x"] + box["width"] <= 390 for box in boxes)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_shade_can_be_read(browser: Browser, address: str, scheme: Any) -> None:
    """The figures in all shaded cells stand out from their ground, by day and by night."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    found: list[float] = page.evaluate(_CONTRASTS)
    assert len(found) == 24
    assert min(found) >= _READABLE
    context.close()


def test_on_paper_the_answers_are_there(browser: Browser, address: str) -> None:
    """An A4 page holds every table, and the answers side by side are printed."""
    context = browser.new_context(viewport={"width": 680, "height": 990})
    page = context.new_page()
    page.goto(address)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.locator("details[open] td.said").first.is_visible()
    context.close()
