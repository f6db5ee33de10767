"""Turn findings and coverage into verdicts: the worst counts, and a file that was not read is never "nothing found"."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, get_args

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
    from collections.abc import Iterable, Mapping

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


def judge(formats: Mapping[str, str], ran: Ran) -> dict[str, Any]:
    """Return the body of safety/v1; `formats` holds every file that loading may touch, read or not, by its path.

    Each file is stated and made JSON by itself: a folder may hold a hundred thousand.
    """
    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    for found in ran.effects:
        if found.place in formats:
            by_file[found.place].append(found)
    files, counted, worst = [], Counter[str](), len(VERDICTS) - 1
    for path in sorted(formats):
        file = _file(path, formats[path], by_file.get(path, []), is_settled=path in ran.settled)
        files.append(file.model_dump(mode="json"))
        counted[_COUNTED[file.verdict]] += 1
        worst = min(worst, VERDICTS.index(file.verdict))
    body = SafetyV1(
        verdict=VERDICTS[worst] if files else "unknown",
        counts=VerdictCounts(**counted),
        files=[],
        checks=_checked(ran, Counter(one.check for findings in by_file.values() for one in findings)),
    ).model_dump(mode="json")
    return body | {"files": files}


def _file(path: str, form: str, findings: list[Finding], *, is_settled: bool) -> FileSafetyBody:
    return FileSafetyBody(
        path=path,
        verdict=verdict_of(findings, is_settled=is_settled),
        format=form,
        findings=[_finding(found, found.effect) for found in findings if found.effect is not None],
    )


def _checked(ran: Ran, found: Counter[str]) -> list[CheckedBody]:
    """Say of each check that judges loading how many files it read; `found` is None where it could find nothing."""
    return [
        CheckedBody(
            check=check,
            looks_at=ran.looks_at.get(check),
            looked=ran.looked.get(check, 0),
            found=found[check] if ran.looked.get(check) or found[check] else None,
        )
        for check in sorted({*ran.looked, *found, *ran.looks_at})
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
