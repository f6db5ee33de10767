"""Open the catalogue of a test's hub without waiting."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.remote.patience import Patience
from weighbridge.hub.remote.settings import RemoteSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.hub.catalogue.protocol import Catalogue
    from weighbridge.testing.hub_server import HubServer

CARD = b"""---
license: other
license_name: acme-1.0
license_link: LICENSE
library_name: transformers
pipeline_tag: text-generation
base_model: acme/base
language:
- en
- no
---
"""
PUBLISHED = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)


@contextmanager
def catalogue_of(hub: HubServer, kind: Literal["hf", "ms"] = "hf", token: str | None = None) -> Iterator[Catalogue]:
    """Open a catalogue that does not wait."""
    patience = Patience(sleep=lambda _: None)
    with open_catalogue(kind, RemoteSettings(hub.url, token=token), patience) as catalogue:
        yield catalogue
