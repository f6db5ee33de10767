"""Names at services: what routers and clouds call a model, which is no repository on a hub."""

from __future__ import annotations

import re

from weighbridge.inventory.origin.names import is_repository, plain_of
from weighbridge.inventory.origin.tables import derived_of, has_small_names, repository_at, service_prefixes

__all__ = ["is_service_id", "is_service_name"]

_CLOUD = re.compile(r"(?:(?:us|eu|apac|jp|au|global|us-gov)\.)?[a-z0-9]{2,12}\.[a-z][\w.-]*(?:-v\d+)?(?::\d+)?")
_MODEL_FILE = (".gguf", "...")


def is_service_id(name: str) -> bool:
    """Whether `maker/model` is the spelling of a router, and of no repository that is known: `moonshotai/kimi-k2`.

    Routers write in small letters, under prefixes of their own (`x-ai`) or under makers whose repositories never are.
    """
    maker, _, model = name.partition("/")
    if not model or repository_at(name) or name != name.lower():
        return False
    if (made := derived_of(plain_of(model))) is not None and made.relation == "served":
        return True
    return maker in service_prefixes() or has_small_names(maker) is False


def is_service_name(name: str) -> bool:
    """Whether a name without a reference is one that is asked of a service: `azure/gpt-4o`, `gpt-4o`, Bedrock's ids."""
    if name.startswith((".", "/", "~")) or name.endswith(_MODEL_FILE) or " " in name:
        return False
    made = derived_of(plain_of(name))
    is_served = made is not None and made.relation == "served"
    if is_served or name.startswith("@") or (_CLOUD.fullmatch(name) and ":" in name):
        return True
    return "/" in name and (not is_repository(name) or is_service_id(name) or name.lower() == name)
