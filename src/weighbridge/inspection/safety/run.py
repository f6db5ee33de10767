"""Run every registered check once over an artefact: its findings, and which files it read."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge import plugin
from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.errors import WeighbridgeError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.artefact import Artefact
    from weighbridge.inspection.folder import Folder

__all__ = ["Ran", "run_checks"]

_MOST_FINDINGS = 200  # of one check; the rest is counted, at the severity of the worst
_SEVERITIES = tuple(Severity)


@dataclass(slots=True)
class Ran:
    """What the checks said: those that finished, their findings in order, and how many files each looked at.

    `settled` are the files that a check read to the end of what decides; `effects` are the findings that bear on
    loading: no file loses its worst where `findings` became a count.
    `looks_at` holds the checks that judge what loading does, and what each reads: `LOOKS_AT` in the check's module.
    """

    checks: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    effects: list[Finding] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    looks_at: dict[str, str] = field(default_factory=dict)


def run_checks(artefact: Artefact, folder: Folder) -> Ran:
    """Run all checks; one that breaks is a finding itself, and what it found before stays."""
    ran = Ran()
    for name in plugin.names("checks"):
        try:
            check = plugin.load("checks", name)
            if looks_at := getattr(sys.modules.get(getattr(check, "__module__", "")), "LOOKS_AT", None):
                ran.looks_at[name] = str(looks_at)
            _collect(name, check(artefact), ran)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a check may be anyone's; its failure is not "clean"
            message = f"the check did not finish, so nothing is known of what it looks for: {_say(error, folder)}"
            ran.findings.append(Finding(name, Severity.HIGH, ".", message, Confidence.LOW))
        else:
            ran.checks.append(name)
    for findings in (ran.findings, ran.effects):
        findings.sort(key=lambda found: (found.check, found.place, found.message))
    return ran


def _collect(check: str, said: Iterable[Finding | Looked], ran: Ran) -> None:
    """Add what a check says, one at a time; a flood becomes a count."""
    number, more, worst = 0, 0, Severity.LOW
    kept: set[tuple[str, Effect]] = set()
    for one in said:
        if isinstance(one, Looked):
            ran.looked[one.check] = ran.looked.get(one.check, 0) + 1
            if one.settles:
                ran.settled.add(one.place)
            continue
        number += 1
        if one.effect is not None and (number <= _MOST_FINDINGS or (one.place, one.effect) not in kept):
            kept.add((one.place, one.effect))
            ran.effects.append(one)
        if number <= _MOST_FINDINGS:
            ran.findings.append(one)
        else:
            more += 1
            worst = max(worst, one.severity, key=_SEVERITIES.index)
    if more:
        message = f"{more:,} more findings of this check are not listed, the worst of them {worst}"
        ran.findings.append(Finding(check, worst, ".", message))


def _say(error: BaseException, folder: Folder) -> str:
    """Return what broke: our own errors are sentences, a foreign one is quoted; its `__str__` may fail too."""
    if isinstance(error, WeighbridgeError):
        return folder.say(error)
    return quote(traceback.format_exception_only(error)[-1].strip())
