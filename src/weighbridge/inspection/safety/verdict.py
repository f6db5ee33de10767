"""Turn findings and coverage into verdicts: the worst counts, and a file that was not read is never "nothing found"."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, get_args

from weighbridge.core.finding import Effect
from weighbridge.core.kinds.safety import (
    CheckedBody,
    FileSafetyBody,
    SafetyFindingBody,
    SafetyV1,
    SafetyVerdict,
    VerdictCounts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from weighbridge.core.finding import Finding
    from weighbridge.inspection.safety.run import Ran

__all__ = ["judge", "verdict_of"]

VERDICTS: tuple[SafetyVerdict, ...] = get_args(SafetyVerdict)
_BY_EFFECT: dict[Effect, SafetyVerdict] = {
    Effect.RUNS_CODE: "runs code on load",
    Effect.ASKS_TRUST: "asks for trust",
    Effect.BREAKS_FORMAT: "breaks the format",
    Effect.UNKNOWN: "unknown",
}
_COUNTED = dict(zip(VERDICTS, VerdictCounts.model_fields, strict=True))


def verdict_of(findings: Iterable[Finding], *, is_settled: bool) -> SafetyVerdict:
    """Return the verdict of one file; without findings it takes a check that settles to say "nothing found"."""
    said: list[SafetyVerdict] = [_BY_EFFECT[found.effect] for found in findings if found.effect is not None]
    said.append("nothing found" if is_settled else "unknown")
    return min(said, key=VERDICTS.index)


def judge(formats: Mapping[str, str], ran: Ran) -> SafetyV1:
    """Return the body of safety/v1; `formats` holds every file that loading may touch, read or not, by its path."""
    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    for found in ran.effects:
        if found.effect is not None and found.place in formats:
            by_file[found.place].append(found)
    settled = {looked.place for looked in ran.looked if looked.settles}
    files = [
        FileSafetyBody(
            path=path,
            verdict=verdict_of(by_file[path], is_settled=path in settled),
            format=formats[path],
            findings=[_finding(found, found.effect) for found in by_file[path] if found.effect is not None],
        )
        for path in sorted(formats)
    ]
    counted = Counter(_COUNTED[file.verdict] for file in files)
    return SafetyV1(
        verdict=min((file.verdict for file in files), key=VERDICTS.index, default="unknown"),
        counts=VerdictCounts(**counted),
        files=files,
        checks=_checked(ran, list(by_file.values())),
    )


def _checked(ran: Ran, by_file: Sequence[Sequence[Finding]]) -> list[CheckedBody]:
    """Say of each check that judges loading how many files it read; `found` is None where it could find nothing."""
    found = Counter(one.check for findings in by_file for one in findings)
    looked: defaultdict[str, set[str]] = defaultdict(set)
    for one in ran.looked:
        looked[one.check].add(one.place)
    return [
        CheckedBody(
            check=check,
            looks_at=ran.looks_at.get(check),
            looked=len(looked[check]),
            found=found[check] if looked[check] or found[check] else None,
        )
        for check in sorted({*looked, *found, *ran.looks_at})
    ]


def _finding(found: Finding, effect: Effect) -> SafetyFindingBody:
    return SafetyFindingBody(
        check=found.check,
        severity=found.severity.value,
        confidence=found.confidence.value,
        effect=effect.value,
        place=found.place,
        message=found.message,
    )
