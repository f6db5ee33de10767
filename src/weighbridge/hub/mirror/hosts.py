"""Which hubs can be mirrored, and a connection to one of them that is patient."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.huggingface import HuggingFace, hugging_face_settings
from weighbridge.hub.modelscope import ModelScope, model_scope_settings
from weighbridge.hub.remote.resolve import refuse_offline
from weighbridge.hub.remote.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.reference import Reference
    from weighbridge.hub.remote.host import Host
    from weighbridge.hub.remote.settings import RemoteSettings

__all__ = ["connect", "settings_of"]

_LONGEST_S = 330.0  # Hugging Face counts calls in windows of five minutes: a mirror waits for the next one


def settings_of(reference: Reference) -> RemoteSettings:
    """Read from the environment where a reference's hub is; raises UsageError for what is on no hub."""
    if reference.kind == "hf":
        return hugging_face_settings()
    if reference.kind == "ms":
        return model_scope_settings()
    raise UsageError(f"{quote(reference.text)} has no files to mirror", hint="mirror `hf:...`, `ms:...` or a folder")


@contextmanager
def connect(reference: Reference) -> Iterator[Host]:
    """Lend the hub that a reference names; raises HubUnreachable where it may not be asked."""
    settings = settings_of(reference)
    refuse_offline(settings, reference)
    with Wire(settings.endpoint, settings.token, longest_s=_LONGEST_S) as wire:
        yield HuggingFace(wire, settings) if reference.kind == "hf" else ModelScope(wire)
