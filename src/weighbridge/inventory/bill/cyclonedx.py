"""Models in CycloneDX: machine-learning components, their ancestors, licences and hashes (specification 1.5 to 1.7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inventory.bill.names import text_in, under_address, under_purl
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.origin.names import is_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_cyclonedx"]

_MODEL = "machine-learning-model"
_MOST, _DEEPEST, _MOST_BASES = 50_000, 12, 32
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def read_cyclonedx(bom: dict[str, Any], place: str) -> Iterator[Found | Unsearched]:
    """Yield each model of a bill; a component counts by its type, or by a package URL of a hub."""
    metadata = bom.get("metadata")
    waiting = [(component, 0) for component in _list(bom.get("components"))]
    waiting += [(metadata.get("component"), 0)] if isinstance(metadata, dict) else []
    done = 0
    while waiting:
        component, depth = waiting.pop()
        if not isinstance(component, dict):
            continue
        done += 1
        if done > _MOST:
            yield Unsearched(place, f"a bill is read up to {_MOST:,} components")
            return
        if depth < _DEEPEST:
            waiting += [(one, depth + 1) for one in _list(component.get("components"))]
        elif _list(component.get("components")):
            yield Unsearched(place, f"its components lie deeper than {_DEEPEST}")
        if found := _model(component, place):
            yield found


def _model(component: dict[str, Any], place: str) -> Found | None:
    """Return one component as a trace, None where it is no model."""
    reference = _reference(component)
    if component.get("type") != _MODEL and not reference:
        return None
    name = _name(component)
    if not name and not reference:
        return None
    card = component.get("modelCard")
    parameters = card.get("modelParameters") if isinstance(card, dict) else None
    bases = [_base(one) for one in _list(_dict(component.get("pedigree")).get("ancestors"))[:_MOST_BASES]]
    return Found(
        "bill", f"{place}#{text_in(component.get('bom-ref')) or name}"[:2000],
        reference.partition(":")[2].partition("@")[0] or name,
        Confidence.HIGH if component.get("type") == _MODEL else Confidence.MEDIUM,
        reference=reference, bases=tuple(dict.fromkeys(base for base in bases if base)),
        architecture=text_in(_dict(parameters).get("modelArchitecture"))[:200], licence=_licence(component),
        digest=_digest(component), detail="CycloneDX component",
    )  # fmt: skip


def _reference(component: dict[str, Any]) -> str:
    """Return the hub reference of a component, by package URL first, then by its addresses."""
    if found := under_purl(component.get("purl")):
        return found
    if component.get("type") != _MODEL:
        return ""
    addresses = [text_in(one.get("url")) for one in _list(component.get("externalReferences")) if isinstance(one, dict)]
    found = next((reference for one in addresses if (reference := under_address(one))), "")
    if found:
        return found
    name, version = _name(component), text_in(component.get("version"))
    if is_repository(name):
        return f"hf:{name}" + (f"@{version}" if re.fullmatch(r"[0-9a-f]{40}", version) else "")
    return ""


def _name(component: dict[str, Any]) -> str:
    """Return group and name as `maker/model`, or the name."""
    group, name = text_in(component.get("group")), text_in(component.get("name"))
    return f"{group}/{name}" if group and "/" not in name else name


def _base(ancestor: Any) -> str:
    """Return what an ancestor is called, `maker/model` where that is known."""
    if not isinstance(ancestor, dict):
        return ""
    reference = under_purl(ancestor.get("purl")) or _reference({**ancestor, "type": _MODEL})
    return reference.partition(":")[2].partition("@")[0] or _name(ancestor)


def _licence(component: dict[str, Any]) -> str:
    """Return the one licence that is stated, "" where none or several are."""
    said = []
    for row in _list(component.get("licenses")):
        licence = _dict(_dict(row).get("license"))
        said += [text_in(licence.get("id")) or text_in(licence.get("name")) or text_in(_dict(row).get("expression"))]
    names = list(dict.fromkeys(one for one in said if one))
    return names[0].lower()[:200] if len(names) == 1 else ""


def _digest(component: dict[str, Any]) -> str:
    for row in _list(component.get("hashes")):
        content = text_in(_dict(row).get("content"))
        if _dict(row).get("alg") == "SHA-256" and _SHA256.fullmatch(content):
            return f"sha256:{content.lower()}"
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
