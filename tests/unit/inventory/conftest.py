"""What tests of the inventory share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.core.finding import Confidence
from weighbridge.inventory.found import Found
from weighbridge.inventory.merge import Seen
from weighbridge.inventory.resolve import resolve_all
from weighbridge.knowledge.load import Knowledge, load_knowledge

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inventory.row import Model


@pytest.fixture(scope="session")
def known() -> Knowledge:
    """Return the tables that ship."""
    return load_knowledge()


@pytest.fixture(scope="session")
def in_code() -> Callable[..., Seen]:
    """Return what makes a trace in code, of a reference with a hub or of a bare name."""

    def make(
        text: str, *, confidence: Confidence = Confidence.HIGH, place: str = "app.py:1", licence: str = ""
    ) -> Seen:
        is_reference = text.startswith(("hf:", "ms:"))
        name = text.partition(":")[2].partition("@")[0] if is_reference else text
        reference = text if is_reference else ""
        return Seen(Found("code", place, name, confidence, reference=reference, licence=licence))

    return make


@pytest.fixture(scope="session")
def row_of(known: Knowledge) -> Callable[..., Model]:
    """Return what makes the one row of some traces."""

    def make(*seen: Seen) -> Model:
        (row,) = resolve_all(seen, known)[0]
        return row

    return make
