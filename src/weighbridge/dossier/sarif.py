"""Findings as SARIF 2.1.0 (OASIS), for the viewers and gates that speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from weighbridge import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["sarif_log", "sarif_run"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
_RANKS = {"low": 10.0, "medium": 40.0, "high": 75.0, "critical": 100.0}


def sarif_log(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a SARIF log of runs, one an artefact."""
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": list(runs)}


def sarif_run(digest: str, files: Mapping[str, Any], safety: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the run of one artefact from the bodies of files/v1 and safety/v1.

    A file that is unknown without a finding is a result too, of kind "open": a gate must not read silence as clean.
    """
    effects = {(one["check"], one["place"], one["message"]): one["effect"] for one in _unsafe(safety)}
    results = [_result(found, effects) for found in files["findings"]]
    for file in (safety or {}).get("files", ()):
        if file["verdict"] == "unknown" and not file["findings"]:
            message = f"no check could read it to the end (format: {file['format']})"
            results.append({
                "ruleId": "unread-file", "kind": "open", "level": "none", "message": {"text": message},
                "locations": _locations(file["path"]),
            })  # fmt: skip
    rules = sorted({result["ruleId"] for result in results})
    return {
        "tool": {
            "driver": {
                "name": "weighbridge",
                "semanticVersion": __version__,
                "rules": [{"id": rule, "help": {"text": f"weighbridge explain {rule}"}} for rule in rules],
            }
        },
        "properties": {"artefact": digest, "verdict": safety["verdict"] if safety else None},
        "results": results,
    }


def _unsafe(safety: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [found for file in (safety or {}).get("files", ()) for found in file["findings"]]


def _result(found: Mapping[str, Any], effects: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": found["check"],
        "level": _LEVELS[found["severity"]],
        "rank": _RANKS[found["severity"]],
        "message": {"text": found["message"]},
        "properties": {"severity": found["severity"], "confidence": found["confidence"]},
    }
    if effect := effects.get((found["check"], found["place"], found["message"])):
        result["properties"]["effect"] = effect
    if found["place"] != ".":
        result["locations"] = _locations(found["place"])
    return result


def _locations(path: str) -> list[dict[str, Any]]:
    return [{"physicalLocation": {"artifactLocation": {"uri": quote(path)}}}]
