"""How mirrors read on a terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import plain, size
from weighbridge.core.digest import short

if TYPE_CHECKING:
    from weighbridge.workflow.mirror import Mirrored, Shelved

__all__ = ["mirrored_json", "mirrored_lines", "shelved_json", "shelved_lines"]

_MOST_LINES = 20
_OUTCOMES = {"mirrored": "verified", "here": "already here, verified", "planned": "would be mirrored"}


def mirrored_json(done: Mirrored) -> dict[str, Any]:
    """Return JSON values."""
    origin, made = done.origin, done.made
    files = [{"path": file.name, "size": file.size} for file in done.choice.files]
    left = [{"path": one.name, "reason": one.reason, "size": one.size} for one in done.choice.left_out]
    content: dict[str, Any] = {
        "outcome": done.outcome, "path": done.path, "reference": origin.reference, "hub": origin.hub,
        "repository": origin.repository, "commit": origin.commit, "gated": origin.gated, "licence": origin.licence,
        "bytes": done.choice.n_bytes, "files": files, "left_out": left,
    }  # fmt: skip
    if made is not None:
        manifest = made.manifest
        by_name = {file.name: file.sha256 for file in manifest.files}
        content["files"] = [file | {"sha256": by_name[str(file["path"])]} for file in files]
        content |= {
            "artefact": manifest.artefact, "remote_digest": manifest.remote_digest, "last_at": manifest.last_at,
            "fetched_bytes": made.fetched_bytes, "kept_files": made.kept_files, "shared_files": made.shared_files,
        }  # fmt: skip
    return content


def mirrored_lines(done: Mirrored) -> list[str]:
    """Return what a person is told of a mirror."""
    lines: list[str] = []
    count = len(done.choice.files)
    files = f"{count} file{'s' if count != 1 else ''}, {size(done.choice.n_bytes)}"
    lines.append(f"{plain(done.path)}: {files}, {_OUTCOMES[done.outcome]}")
    if done.origin.commit:
        lines.append(f"  commit {plain(done.origin.commit)} of {plain(f'{done.origin.hub}:{done.origin.repository}')}")
    if done.made is not None:
        manifest = done.made.manifest
        lines.append(f"  artefact sha256:{short(manifest.artefact)}: what weighing this folder names")
        if manifest.remote_digest not in {"", manifest.artefact}:
            seen = f"sha256:{short(manifest.remote_digest)}"
            lines.append(f"  from afar it is {seen}: the SHA-256 of small files is known of a copy only")
        parts = [f"{size(done.made.fetched_bytes)} fetched"]
        parts += [f"{done.made.kept_files} files were here"] if done.made.kept_files else []
        parts += [f"{done.made.shared_files} files shared with another revision"] if done.made.shared_files else []
        lines.append(f"  {', '.join(parts)}")
    lines += [f"  left out: {plain(one.name)} ({plain(one.reason)})" for one in done.choice.left_out[:_MOST_LINES]]
    if (more := len(done.choice.left_out) - _MOST_LINES) > 0:
        lines.append(f"  and {more} more left out: `--json` lists them all")
    return lines


def shelved_json(one: Shelved) -> dict[str, Any]:
    """Return JSON values of one mirror."""
    if one.manifest is None:
        return {"path": one.path, "trouble": one.trouble}
    manifest, origin = one.manifest, one.manifest.origin
    return {
        "path": one.path, "hub": origin.hub, "repository": origin.repository, "commit": origin.commit,
        "reference": origin.reference, "first_at": manifest.first_at, "last_at": manifest.last_at,
        "files": len(manifest.files), "bytes": manifest.n_bytes, "is_whole": manifest.is_whole,
        "artefact": manifest.artefact, "gated": origin.gated, "licence": origin.licence,
    }  # fmt: skip


def shelved_lines(one: Shelved) -> list[str]:
    """Return one mirror in two lines."""
    if one.manifest is None:
        return [f"{plain(one.path)}: its manifest cannot be read: {plain(one.trouble)}"]
    manifest, origin = one.manifest, one.manifest.origin
    name = f"{origin.hub}:{origin.repository}@{origin.commit[:12]}" if origin.hub else origin.reference
    part = "" if manifest.is_whole else f", {len(manifest.left_out)} left out"
    return [
        f"{plain(name)}  {len(manifest.files)} files, {size(manifest.n_bytes)}{part}, {manifest.last_at[:10]}",
        f"  {plain(one.path)}",
    ]
