"""Tell a bill of materials from other JSON, and read the models that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.formats.strict_json import parse_json
from weighbridge.inventory.bill.cyclonedx import read_cyclonedx
from weighbridge.inventory.bill.spdx import read_spdx
from weighbridge.inventory.found import Unsearched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inventory.found import Found

__all__ = ["MOST_BYTES", "is_bill", "read_bill"]

MOST_BYTES = 64 << 20
_HEAD = 1 << 16
_JSON = (b'"bomFormat"', b'"spdxVersion"', b"spdx.org/rdf/3")
_OTHER = (b"http://cyclonedx.org/schema/bom/", b"SPDXVersion:", b"<spdx:SpdxDocument")
_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7")


def is_bill(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a bill of materials, of a form that is read or not."""
    return any(mark in head[:_HEAD] for mark in (*_JSON, *_OTHER))


def read_bill(data: bytes, place: str) -> Iterator[Found | Unsearched]:
    """Yield the models that a bill names; what cannot be read is Unsearched, never an error.

    Read are CycloneDX JSON 1.0 to 1.7, SPDX 2.x JSON and SPDX 3.0 JSON-LD, of at most 64 MiB.
    """
    if not any(mark in data[:_HEAD] for mark in _JSON):
        yield Unsearched(place, "is a bill of materials in XML or in tags and values: JSON is read")
        return
    if len(data) > MOST_BYTES:
        yield Unsearched(place, f"is a bill of materials of more than {MOST_BYTES >> 20} MiB")
        return
    try:
        value = parse_json(data, place, max_bytes=MOST_BYTES, of_models=True)
    except DamagedFile as error:
        yield Unsearched(place, f"is a bill of materials that cannot be read: {error.message}")
        return
    if not isinstance(value, dict):
        yield Unsearched(place, "is no bill of materials: it is no JSON object")
    elif value.get("bomFormat") == "CycloneDX":
        if str(value.get("specVersion")) not in _VERSIONS:
            yield Unsearched(place, f"is CycloneDX {str(value.get('specVersion'))[:20]}: up to 1.7 is known")
        yield from read_cyclonedx(value, place)
    elif "spdxVersion" in value or "@graph" in value:
        yield from read_spdx(value, place)
    else:
        yield Unsearched(place, "is no bill of materials of a known form")
