"""Commands: what to type for the next step."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.watch.digest.rules import NextStep
    from weighbridge.watch.digest.stake import Stake

__all__ = ["commands_for", "commands_to_decide"]

_GONE = frozenset({"deletion", "visibility", "history-rewritten"})


def commands_for(step: NextStep, event: ReleaseEvent, stakes: Sequence[Stake]) -> tuple[str, ...]:
    """Return the commands of a step in their order; every name is quoted for a shell, for strangers chose it."""
    stake = stakes[0] if stakes else None
    there = f"{event.subject}@{event.commit}" if event.commit else event.subject
    if step == "re-evaluate":
        weigh = [
            "weighbridge",
            "weigh",
            "MIRROR_FOLDER",
            *(["--policy", stake.policy] if stake and stake.policy else []),
        ]
        return _joined(["weighbridge", "mirror", there, "--to", "mirror"], weigh)
    if step == "legal review":
        return _joined(["weighbridge", "licence", there])
    if step == "freeze" and stake is not None:
        pinned = f"{stake.repository}@{stake.commit}" if stake.commit else stake.repository
        if event.kind in _GONE or not stake.commit:  # the hub has it no more, or nobody wrote down which one it was
            return _joined(["weighbridge", "lock", stake.reference]) if stake.copy == "local" else ()
        return _joined(["weighbridge", "mirror", pinned, "--to", "mirror"]) if stake.copy != "verified" else ()
    if step == "roll back" and stake is not None and stake.reference:
        return _joined(["weighbridge", "verify", stake.reference])
    return ()


def commands_to_decide(stake: Stake) -> tuple[str, ...]:
    """Return how a decision is made again from the evidence that there is; new evidence comes first, where wanted."""
    return _joined(["weighbridge", "decide", stake.subject, *(["--policy", stake.policy] if stake.policy else [])])


def _joined(*commands: Sequence[str]) -> tuple[str, ...]:
    return tuple(shlex.join(command) for command in commands)
