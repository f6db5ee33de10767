"""Models in SPDX: packages of 2.x with a hub's address or package URL, and AI packages of 3.0 (AI profile)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence
from weighbridge.inventory.bill.names import text_in, under_address, under_purl
from weighbridge.inventory.found import Found, Unsearched

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_spdx"]

_MOST = 100_000
_DOWN = frozenset({"DESCENDANT_OF", "VARIANT_OF", "GENERATED_FROM", "descendantOf", "modifiedBy", "generatedFrom"})
_UP = frozenset({"ANCESTOR_OF", "GENERATES", "ancestorOf", "generates"})
_LICENCES = frozenset({"hasDeclaredLicense", "hasConcludedLicense"})
_NONE = frozenset({"", "NOASSERTION", "NONE"})


def read_spdx(value: dict[str, Any], place: str) -> Iterator[Found | Unsearched]:
    """Yield each model of a document; SPDX 2.x has no type for models, so there a hub must be named."""
    graph = value.get("@graph")
    if isinstance(graph, list):
        yield from _of_graph(graph, place)
        return
    packages = [one for one in _list(value.get("packages"))[:_MOST] if isinstance(one, dict)]
    rows = [one for one in _list(value.get("relationships"))[:_MOST] if isinstance(one, dict)]
    pairs = [
        (
            text_in(one.get("spdxElementId")),
            text_in(one.get("relationshipType")),
            text_in(one.get("relatedSpdxElement")),
        )
        for one in rows
    ]
    named = {text_in(one.get("SPDXID")): one for one in packages}
    bases = _bases(pairs, {key: _name_2(one) for key, one in named.items()})
    if len(_list(value.get("packages"))) > _MOST:
        yield Unsearched(place, f"a bill is read up to {_MOST:,} packages")
    for key, package in named.items():
        if reference := _reference_2(package):
            yield Found(
                "bill", f"{place}#{key}"[:2000], reference.partition(":")[2].partition("@")[0], Confidence.MEDIUM,
                reference=reference, bases=tuple(bases.get(key, ())), licence=_licence_2(package),
                detail="SPDX 2 package",
            )  # fmt: skip


def _reference_2(package: dict[str, Any]) -> str:
    """Return the hub reference of a package of SPDX 2.x, "" where none is named."""
    for row in _list(package.get("externalRefs")):
        if isinstance(row, dict) and (found := under_purl(row.get("referenceLocator"))):
            return found
    found = under_address(package.get("downloadLocation")) or under_address(package.get("homepage"))
    version = text_in(package.get("versionInfo"))
    is_commit = len(version) == 40 and set(version) <= set("0123456789abcdef")  # noqa: PLR2004 - SHA-1
    return f"{found}@{version}" if found and is_commit and "@" not in found else found


def _name_2(package: dict[str, Any]) -> str:
    return _reference_2(package).partition(":")[2].partition("@")[0] or text_in(package.get("name"))


def _licence_2(package: dict[str, Any]) -> str:
    said = [text_in(package.get(key)) for key in ("licenseConcluded", "licenseDeclared")]
    return next((one.lower() for one in said if one not in _NONE), "")


def _of_graph(graph: list[Any], place: str) -> Iterator[Found | Unsearched]:
    """Yield the AI packages of SPDX 3.0, and other packages that a hub's package URL names."""
    if len(graph) > _MOST:
        yield Unsearched(place, f"a bill is read up to {_MOST:,} elements")
    elements = [one for one in graph[:_MOST] if isinstance(one, dict)]
    named = {_id(one): one for one in elements if _id(one)}
    pairs = [
        (text_in(one.get("from")), text_in(one.get("relationshipType")), text_in(to))
        for one in elements if _type(one).endswith("Relationship") for to in _list(one.get("to"))[:64]
    ]  # fmt: skip
    bases = _bases(pairs, {key: _name_3(one) for key, one in named.items()})
    licences = {start: _expression(named.get(end, {})) for start, kind, end in pairs if kind in _LICENCES}
    for key, element in named.items():
        is_model, reference = _type(element).endswith("AIPackage"), _reference_3(element)
        if not is_model and not reference.startswith("hf:"):
            continue
        if not is_model and not _type(element).endswith("Package"):
            continue
        types = _list(element.get("ai_typeOfModel"))
        yield Found(
            "bill", f"{place}#{key}"[:2000], _name_3(element), Confidence.HIGH if is_model else Confidence.MEDIUM,
            reference=reference, bases=tuple(bases.get(key, ())), licence=licences.get(key, ""),
            architecture=text_in(types[0])[:200] if types else "", detail="SPDX 3 AI package" if is_model else "SPDX 3",
        )  # fmt: skip


def _reference_3(element: dict[str, Any]) -> str:
    if found := under_purl(element.get("software_packageUrl") or element.get("packageUrl")):
        return found
    for row in _list(element.get("externalIdentifier")):
        if isinstance(row, dict) and (found := under_purl(row.get("identifier"))):
            return found
    address = element.get("software_downloadLocation") or element.get("software_homePage")
    return under_address(address)


def _name_3(element: dict[str, Any]) -> str:
    return _reference_3(element).partition(":")[2].partition("@")[0] or text_in(element.get("name"))


def _expression(element: dict[str, Any]) -> str:
    said = element.get("simplelicensing_licenseExpression") or element.get("name")
    return text_in(said).lower()[:200]


def _bases(pairs: list[tuple[str, str, str]], names: dict[str, str]) -> dict[str, list[str]]:
    """Return the bases of each element, by the relationships that state descent."""
    found: dict[str, list[str]] = {}
    for start, kind, end in pairs:
        child, base = (start, end) if kind in _DOWN else (end, start) if kind in _UP else ("", "")
        if child and names.get(base):
            found.setdefault(child, []).append(names[base])
    return found


def _id(element: dict[str, Any]) -> str:
    return text_in(element.get("spdxId") or element.get("@id"))


def _type(element: dict[str, Any]) -> str:
    return text_in(element.get("type") or element.get("@type"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
