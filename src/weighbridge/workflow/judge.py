"""Judge: from the evidence in the store to a decision, and from the decision to a dossier."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge import plugin
from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import DECISION
from weighbridge.decision.decide import Decision, decide
from weighbridge.decision.staleness import stale_about
from weighbridge.dossier.compose import compose
from weighbridge.errors import NotFound, UsageError
from weighbridge.workflow.attest import seal
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.decision.policy import Policy
    from weighbridge.dossier.compose import Dossier
    from weighbridge.inspection.provenance.keys import SigningKey
    from weighbridge.store.protocol import Store

__all__ = ["RENDERED", "dossier_of", "judge", "newest", "write_dossier"]

RENDERED = {"html": "dossier.html", "json": "dossier.json", "markdown": "dossier.md"}
_EXTRA = {
    "mlbom": "dossier.cdx.json",
    "spdx": "dossier.spdx.json",
    "attestation": "dossier.intoto.jsonl",
}  # written where they are asked for


def newest(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the statement that counts of each measurement, from statements in the order they were added.

    A measurement is a kind and, within it, a suite or bank, a prompt form, an engine's name and address, a baseline
    and a margin, or what a fit was asked for; an event that overtook a decision is one of its own. Asking again the
    same way replaces the older answer, unless it got fewer answers to the same questions; asking another way stands
    beside it. Another version of a suite replaces the older one; other questions under the same name and version are
    another suite.
    """
    counts: dict[str, dict[Any, Evidence]] = {}
    for statement in evidence:
        if statement.kind == DECISION:
            continue
        suite, engine, ended = (_table(statement, name) for name in ("suite", "engine", "sequential"))
        slot = [
            statement.kind,
            suite.get("name"),
            _table(statement, "bank").get("name"),
            statement.body.get("form"),
            engine.get("name"),
            engine.get("address"),
            statement.body.get("baseline"),
            ended.get("question"),
            ended.get("margin"),
            statement.body.get("event"),
            statement.body.get("seen_at"),
        ]
        key = json.dumps([*slot, _table(statement, "asked")], sort_keys=True)
        _place(statement, suite, counts.setdefault(key, {}))
    return [statement for kept in counts.values() for statement in kept.values()]


def _place(statement: Evidence, suite: dict[str, Any], kept: dict[Any, Evidence]) -> None:
    """Put a statement among those of its measurement, by the digest of the suite."""
    others = {d: one for d, one in kept.items() if _table(one, "suite").get("version") != suite.get("version")}
    if not all(_replaces(statement, one) for one in others.values()):
        return
    for digest in others:
        del kept[digest]
    mine = suite.get("digest")
    if mine not in kept or _replaces(statement, kept[mine]):
        kept[mine] = statement


def _replaces(new: Evidence, old: Evidence) -> bool:
    """Return whether a statement takes the place of another about the same measurement."""
    now, before = _answered(new), _answered(old)
    if _table(new, "suite") == _table(old, "suite") and now != before:
        return now > before
    return new.made_on >= old.made_on


def _answered(statement: Evidence) -> int:
    """Return how many questions of a suite were answered; 0 for what asks none."""
    calls = _table(statement, "calls")
    asked, failed = calls.get("asked"), calls.get("failed")
    return asked - failed if isinstance(asked, int) and isinstance(failed, int) else 0


def _table(statement: Evidence, name: str) -> dict[str, Any]:
    """Return a table of the body, empty where there is none: a store may hold what others wrote."""
    value = statement.body.get(name)
    return value if isinstance(value, dict) else {}


def judge(policy: Policy, subject: str, *, store: Store, on: date) -> tuple[Decision, Evidence]:
    """Decide about a subject from the newest evidence up to `on`; the decision goes into the store, as its newest."""
    evidence = newest(statement for statement in store.select(subject=subject) if statement.made_on <= on)
    if not evidence:
        raise NotFound(
            f"there is no evidence about `{subject}` up to {on}",
            hint="make some: `weighbridge weigh REF`; see what there is: `weighbridge evidence list`",
        )
    decision = decide(policy, evidence, subject=subject, on=on)
    inputs = (policy.digest, digest_of({"on": on.isoformat()}), *sorted(statement.id for statement in evidence))
    statement = _as_newest(Evidence(subject, DECISION, {"decision": decision.to_json()}, inputs, OURS, on), store)
    store.add(statement)
    return decision, statement


def _as_newest(statement: Evidence, store: Store) -> Evidence:
    """Return a decision so that it is the newest by its policy once it is added.

    What was decided, then decided otherwise, and is now decided as at first would be the first statement, which is
    there and stays the older one: so it names the one that it overtakes.
    """
    policy = statement.body["decision"]["policy_name"]
    made = [
        one
        for one in store.select(subject=statement.subject, kind=DECISION)
        if _table(one, "decision").get("policy_name") == policy
    ]
    if statement.id not in {one.id for one in made}:
        return statement
    last = made[-1]
    if last.body["decision"] == statement.body["decision"]:
        return last
    return replace(statement, body=statement.body | {"overtakes": last.id})


def dossier_of(statement: Evidence, store: Store) -> Dossier:
    """Compose the dossier of a decision in the store from its inputs, and from the scores that its comparisons pair.

    It says, too, where an event on a hub has overtaken the decision since.

    Raises UsageError where the statement holds no decision that can be read.
    """
    wanted = set(statement.inputs)
    inputs = [one for one in store.select(subject=statement.subject) if one.id in wanted]
    paired = [digest for one in inputs if one.kind == "comparison/v1" for digest in one.inputs]
    dossier = compose(statement.body.get("decision"), inputs, _at_hand(paired, store))
    return replace(dossier, stale=stale_about(store, statement))


def _at_hand(digests: Iterable[str], store: Store) -> Iterator[Evidence]:
    """Yield the statements among digests; what is not in the store, or is no digest, is left out."""
    for digest in digests:
        try:
            yield store.get(digest)
        except (NotFound, UsageError):
            continue


def write_dossier(
    dossier: Dossier, folder: Path, formats: Sequence[str], language: str, key: SigningKey | None = None
) -> list[Path]:
    """Render a dossier into a folder; return the files in the order of `formats`.

    Raises UsageError for an attestation without the `key` that signs it.
    """
    if "attestation" in formats and key is None:
        raise UsageError(
            "an attestation is signed, and no key is given",
            hint="`--key FILE`; `weighbridge key new` makes one. Unsigned: `weighbridge evidence export --statement`",
        )
    written = []
    for name in formats:
        data: bytes = plugin.load("renderers", name)(dossier, language)
        if name == "attestation" and key is not None:
            data = seal(data, key)
        path = folder / (RENDERED | _EXTRA).get(name, f"dossier.{name}")
        write_whole(path, data)
        written.append(path)
    return written
