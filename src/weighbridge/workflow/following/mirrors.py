"""Mirrors beside our stakes: which pins have a verified copy, and which copies nobody decided on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.watch.digest.stake import Stake
from weighbridge.workflow.mirror import list_mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from weighbridge.workflow.mirror import Shelved

__all__ = ["mirrors_in", "with_mirrors"]


def mirrors_in(folders: Iterable[Path]) -> list[Shelved]:
    """Return the mirrors below folders whose manifest can be read; a folder without any gives none."""
    found: list[Shelved] = []
    for folder in folders:
        try:
            found += [one for one in list_mirrors(folder) if one.manifest is not None] if folder.is_dir() else []
        except NotFound:
            continue
    return found


def with_mirrors(stakes: Sequence[Stake], mirrors: Sequence[Shelved]) -> tuple[Stake, ...]:
    """Return the stakes, those with a mirror of their very commit or files as kept, and a stake for each other mirror.

    A manifest is written when every file was verified; `weighbridge verify` says whether that still holds.
    """
    if not mirrors:
        return tuple(stakes)
    joined = [_kept(stake, mirrors) for stake in stakes]
    known = {stake.repository for stake in joined}
    for one in mirrors:
        own = _of_mirror(one)
        if own is not None and own.repository not in known:
            known.add(own.repository)
            joined.append(own)
    return tuple(joined)


def _kept(stake: Stake, mirrors: Sequence[Shelved]) -> Stake:
    """Return a stake as kept where a mirror holds its commit, or all the files that were weighed."""
    for one in mirrors:
        own = _of_mirror(one)
        if own is None:
            continue
        is_commit = bool(stake.commit) and (own.repository, own.commit) == (stake.repository, stake.commit)
        if is_commit or (stake.digests and stake.digests <= own.digests):
            kept = replace(stake, copy="verified", reference=one.path)
            return kept if stake.repository else replace(kept, repository=own.repository, commit=own.commit)
    return stake


def _of_mirror(one: Shelved) -> Stake | None:
    if one.manifest is None or not (one.manifest.origin.hub and one.manifest.origin.repository):
        return None
    origin = one.manifest.origin
    return Stake(
        f"{origin.hub}:{origin.repository}", one.manifest.artefact, origin.repository.rpartition("/")[2], one.path,
        origin.commit, digests=frozenset(file.sha256 for file in one.manifest.files), copy="verified",
    )  # fmt: skip
