"""Commands: what to type for the next step."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from weighbridge.watch.digest.rules import NextStep
    from weighbridge.watch.digest.stake import Stake

__all__ = ["commands_for", "commands_to_decide"]

_GONE = frozenset({"deletion", "visibility", "history-rewritten"})


def commands_for(
    step: NextStep, subject: str, commit: str, kinds: Collection[str], stakes: Sequence[Stake]
) -> tuple[str, ...]:
    """Return the commands of a step in their order; every name is quoted for a shell, for strangers chose it.

    `subject` and `commit` ("" where not known) are what happened to, `kinds` what did, `stakes` ours that it touches.
    """
    stake = stakes[0] if stakes else None
    there = f"{subject}@{commit}" if commit else subject
    if step == "re-evaluate":
        folder = f"mirror/{subject.replace(':', '/', 1)}/{commit or 'COMMIT'}"  # as `mirror` lays it out
        return _joined(["weighbridge", "mirror", there, "--to", "mirror"], _by_policy("weigh", folder, stake))
    if step == "legal review":
        return _joined(["weighbridge", "licence", there])
    if step == "freeze" and stake is not None:
        pinned = f"{stake.repository}@{stake.commit}" if stake.commit else stake.repository
        if _GONE & set(kinds) or not stake.commit:  # the hub has it no more, or nobody wrote down which one it was
            return _joined(["weighbridge", "lock", stake.reference]) if stake.copy == "local" else ()
        return _joined(["weighbridge", "mirror", pinned, "--to", "mirror"]) if stake.copy != "verified" else ()
    if step == "roll back" and stake is not None and stake.reference:
        return _joined(["weighbridge", "verify", stake.reference])
    return ()


def commands_to_decide(stake: Stake) -> tuple[str, ...]:
    """Return how a decision is made again from the evidence that there is: in view of what overtook it."""
    return _joined(_by_policy("decide", stake.subject, stake))


def _by_policy(command: str, what: str, stake: Stake | None) -> list[str]:
    policy = ["--policy", stake.policy] if stake is not None and stake.policy else []
    return ["weighbridge", command, what, *policy]


def _joined(*commands: Sequence[str]) -> tuple[str, ...]:
    return tuple(shlex.join(command) for command in commands)
