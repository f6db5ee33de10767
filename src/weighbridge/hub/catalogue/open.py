"""Open the catalogue of a hub: the address, the token and the offline switch come from the environment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import HubUnreachable
from weighbridge.hub.catalogue.huggingface import HuggingFaceCatalogue
from weighbridge.hub.catalogue.modelscope import ModelScopeCatalogue
from weighbridge.hub.huggingface import hugging_face_settings
from weighbridge.hub.modelscope import model_scope_settings
from weighbridge.hub.remote.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.hub.catalogue.protocol import Catalogue
    from weighbridge.hub.remote.patience import Patience
    from weighbridge.hub.remote.settings import RemoteSettings

__all__ = ["open_catalogue"]


@contextmanager
def open_catalogue(
    hub: Literal["hf", "ms"], settings: RemoteSettings | None = None, patience: Patience | None = None
) -> Iterator[Catalogue]:
    """Lend the catalogue of a hub, over one connection that ends with the block; a `patience` of its own is for tests.

    Raises HubUnreachable where Weighbridge is told to stay offline, and UsageError for an address that is none.
    """
    settings = settings or (hugging_face_settings() if hub == "hf" else model_scope_settings())
    if settings.is_offline:
        raise HubUnreachable(
            "the hubs are not asked: Weighbridge is told to stay offline",
            hint="unset `WEIGHBRIDGE_OFFLINE` (and `HF_HUB_OFFLINE`)",
        )
    with Wire(settings.endpoint, settings.token, patience) as wire:
        yield HuggingFaceCatalogue(wire, settings) if hub == "hf" else ModelScopeCatalogue(wire)
