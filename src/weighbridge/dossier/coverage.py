"""Coverage: what was looked at, and what was not. `-` is "not looked at", `0` is "looked at, nothing found"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import AnatomyV2, CardV1, FilesV1
    from weighbridge.dossier.record import Record

__all__ = ["NOT_YET", "Look", "further_looks", "looks"]

# What no kind of evidence can say yet. A reader must not take silence for a good answer.
NOT_YET = ("training-data", "bias")


@dataclass(frozen=True, slots=True)
class Look:
    """One area: how many things were looked at there, and what came of it.

    `looked` is 0 for "not looked at". `found` counts findings, disagreements or flips; it is None where the area
    gives a measurement instead. `left` counts what was left out: files not inspected, questions of the suite that were
    not asked or have no mark.
    """

    area: str
    looked: int = 0
    found: int | None = None
    left: int = 0


def looks(
    files: Record[FilesV1] | None,
    anatomy: Record[AnatomyV2] | None,
    card: Record[CardV1] | None,
    measured: tuple[tuple[Record[Any], ...], ...],
    examined: dict[str, Record[Any]],
    fits: int,
) -> tuple[Look, ...]:
    """Say for every area whether it was looked at. `measured` holds scores, behaviours, latencies, comparisons."""
    scores, behaviours, latencies, comparisons = measured
    return (
        Look("files", files.body.count, files.body.findings_by_severity.total, len(files.body.left_alone))
        if files
        else Look("files"),
        Look("anatomy", 1, len(anatomy.body.disagreements)) if anatomy else Look("anatomy"),
        Look("card", 1, len(card.body.notes)) if card else Look("card"),
        *_examined(examined),
        Look("fit", fits),
        _asked("score", scores),
        _asked("behaviour", behaviours),
        _asked("latency", latencies),
        Look("comparison", len(comparisons), sum(len(one.body.flips) for one in comparisons)),
    )


def further_looks(further: dict[str, tuple[Record[Any], ...]]) -> Iterator[Look]:
    """Say of every kind that is read as tables of its own how much it looked at: answers, stretches, votes, probes."""
    found = {kind: [record.body for record in records] for kind, records in further.items()}
    asked = [item for body in found["behaviour/v2"] for item in body.items]
    yield Look("bylanguage", len(asked), None, sum(not item.behaviour for item in asked))
    beside = found["behaviour-comparison/v1"]
    yield Look("beside", len(beside), sum(body.differing for body in beside) if beside else None)
    attacked = [item for body in found["hijack/v1"] for item in body.items if item.arm == "attacked"]
    yield Look("hijack", len(attacked), None, sum(item.result == "empty" for item in attacked))
    forced = [item for body in found["jailbreak/v1"] for item in body.items if item.transform != "plain"]
    yield Look("jailbreak", len(forced), None, sum(not item.behaviour for item in forced))
    yield Look("load", sum(len(body.points) for body in found["load/v1"]))
    yield Look("arena", sum(body.votes for body in found["arena/v1"]))
    precise = found["precision/v1"]
    yield Look("precision", sum(body.positions for body in precise), None, sum(body.unanswered for body in precise))
    probed = found["contamination/v1"]
    hints = sum(len(body.hinting) for body in probed) if probed else None
    yield Look("contamination", sum(len(body.probes) for body in probed), hints, sum(len(b.not_done) for b in probed))


def _examined(examined: dict[str, Record[Any]]) -> Iterator[Look]:
    """Count what was found in licence texts, in files that are loaded, and in statements of origin and openness."""
    licence, safety = examined.get("licence/v1"), examined.get("safety/v1")
    texts = [one for one in licence.body.in_force if one.basis == "text"] if licence else []
    yield Look("licence-text", len(texts), len(licence.body.conflicts) if licence and texts else None)
    files = safety.body.files if safety else []
    worse = [one for one in files if one.verdict not in {"unknown", "nothing found"}]
    yield Look("safety", len(files), len(worse) if files else None, sum(one.verdict == "unknown" for one in files))
    lineage = examined.get("lineage/v1")
    yield Look("lineage", len(lineage.body.declared), len(lineage.body.contradictions)) if lineage else Look("lineage")
    openness = examined.get("openness/v1")
    yield Look("openness", len(openness.body.frameworks)) if openness else Look("openness")
    provenance = examined.get("provenance/v1")
    yield Look("signature", len(provenance.body.signatures)) if provenance else Look("signature")


def _asked(area: str, records: tuple[Record[Any], ...]) -> Look:
    """Count the questions of the runs, and those of the suites that were not asked or have no mark."""
    items = [item for record in records for item in record.body.items]
    left = sum(item.outcome == "not-asked" or item.mark.startswith("unscored") for item in items)
    left += sum(max(0, record.body.suite.size - record.body.calls.asked) for record in records)
    return Look(area, len(items), None, left)
