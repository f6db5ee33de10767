"""The licences of a model for a bill: the tag as declared, what was read as concluded, the text where it lies there.

A tag is never the licence: where both are known the bill names both, with CycloneDX's word for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.bom.body import body_of

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier

__all__ = ["licences_of", "spdx_id"]

# SPDX ids of the tags that hubs use for licences on the SPDX list; any other is a name
_SPDX = {
    one.lower(): one
    for one in (
        "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0", "CC-BY-ND-4.0", "GPL-3.0-only", "AGPL-3.0-only", "LGPL-3.0-only",
        "MPL-2.0", "ISC", "Unlicense", "WTFPL", "EPL-2.0", "EUPL-1.2", "Zlib", "AFL-3.0", "Artistic-2.0", "BSL-1.0",
        "OSL-3.0", "MS-PL", "ODbL-1.0",
    )
}  # fmt: skip


def spdx_id(name: str) -> str | None:
    """Return the id on the SPDX list that a hub's tag or an id of ours stands for, or None."""
    return _SPDX.get(name.lower())


def licences_of(dossier: Dossier) -> list[dict[str, Any]]:
    """Return the licences: what was read from texts, then the declared tag, then texts that nothing names."""
    body, texts = body_of(dossier, "licence/v1"), _texts(dossier)
    rows = [
        _licence(_name_of(force), "concluded", texts.pop(force["source"], None))
        for force in body.get("in_force", [])
        if force["basis"] == "text" and force["role"] in {"weights", "code", "policy"}
    ]
    if dossier.card and dossier.card.body.licence:
        name = dossier.card.body.licence
        name = dossier.card.body.licence_name or name if name == "other" else name
        rows.append(_licence(name, "declared", None))
    rows += [_licence(f"text of {place}", "declared", text) for place, text in sorted(texts.items())]
    return [{"license": row} for row in {str(row): row for row in rows}.values()]


def _texts(dossier: Dossier) -> dict[str, str]:
    """Return the licence texts that lie with the model, by file."""
    rows = body_of(dossier, "provenance/v1").get("licence_texts", [])
    return {one["place"]: one["text"] for one in rows if one["text"]}


def _name_of(force: dict[str, Any]) -> str:
    """Return what a text was found to be; one that is altered is not named as what it is like."""
    name = str(force["licence"] or force["name"] or f"text of {force['source']}")
    verdict = force["verdict"]
    return name if verdict in {None, "is", "revision"} else f"{name} ({verdict})"


def _licence(name: str, acknowledgement: str, text: str | None) -> dict[str, Any]:
    """Return one licence; an SPDX id where the name is one, whatever its case."""
    spdx = spdx_id(name)
    row: dict[str, Any] = {"id": spdx} if spdx else {"name": name}
    row["acknowledgement"] = acknowledgement
    if text:
        row["text"] = {"contentType": "text/plain", "content": text}
    return row
