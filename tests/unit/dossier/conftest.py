"""A weighing of SmolLM2-135M to render, and an outline of the page to ask about."""

from __future__ import annotations

import runpy
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.dossier.compose import Dossier, compose

if TYPE_CHECKING:
    from collections.abc import Callable

_VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Outline(HTMLParser):
    """Elements of a page in order, each with its attributes and the text inside it."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[SimpleNamespace] = []
        self._open: list[SimpleNamespace] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element, and leave it open for text."""
        element = SimpleNamespace(tag=tag, attributes=dict(attrs), text="", inside=[one.tag for one in self._open])
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and whatever stands open inside it."""
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Give text to every element around it."""
        for element in self._open:
            element.text += data

    def find(self, *tags: str) -> list[SimpleNamespace]:
        """Return the elements with one of these tags."""
        return [element for element in self.elements if element.tag in tags]

    def of_class(self, name: str) -> list[SimpleNamespace]:
        """Return the elements of a class."""
        return [one for one in self.elements if name in (one.attributes.get("class") or "").split()]

    def ids(self) -> list[str]:
        """Return the ids of the page."""
        return [one.attributes["id"] for one in self.elements if one.attributes.get("id")]


@pytest.fixture(scope="session")
def weighed() -> SimpleNamespace:
    """Return the builders of `weighed.py` by name."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("weighed.py"))))


@pytest.fixture(scope="session")
def outline() -> Callable[[bytes], Outline]:
    """Return what reads a page."""
    return Outline


@pytest.fixture(scope="session")
def dossier(weighed: Any) -> Dossier:
    """Return the composed dossier of the weighing."""
    return compose(weighed.decision(), weighed.evidence())
