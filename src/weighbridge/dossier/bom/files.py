"""The files of a model as components with their digests, and its chat templates as components of their own."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.bom.body import body_of
from weighbridge.dossier.bom.properties import property_list

if TYPE_CHECKING:
    from weighbridge.dossier.compose import Dossier

__all__ = ["file_components", "template_components"]


def file_components(dossier: Dossier) -> list[dict[str, Any]]:
    """Return every file with size and SHA-256; what loading it does stands beside it."""
    if dossier.files is None:
        return []
    verdicts = {one["path"]: one["verdict"] for one in body_of(dossier, "safety/v1").get("files", [])}
    return [
        {
            "type": "file",
            "bom-ref": f"file:{one.name}",
            "name": one.name,
            "hashes": [{"alg": "SHA-256", "content": one.sha256}],
            "properties": property_list({"bytes": one.size, "safety": verdicts.get(one.name)}),
        }
        for one in dossier.files.body.files
    ]


def template_components(dossier: Dossier) -> list[dict[str, Any]]:
    """Return the chat templates: data that decides what the model reads. Their digest is that of the text alone."""
    rows = []
    for one in body_of(dossier, "provenance/v1").get("templates", []):
        name = f"chat template of {PurePosixPath(one['place']).name}"
        if one["name"] != "default":
            name += f": {one['name']}"
        rows.append(
            {
                "type": "data",
                "bom-ref": f"template:{one['place']}#{one['name']}",
                "name": name,
                "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
                "data": [{"type": "configuration", "name": "chat template"}],
                "properties": property_list({"place": one["place"], "characters": one["characters"]}),
            }
        )
    return list({row["bom-ref"]: row for row in rows}.values())
