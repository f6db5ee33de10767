"""`weighbridge mirror REF --to DIR`: a verified copy of one revision; `mirror list DIR` says what is kept."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import plain, size
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json
from weighbridge.core.digest import short
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.workflow.mirror import Mirrored, Shelved

__all__ = ["command"]

_MOST_LINES = 20
_OUTCOMES = {"mirrored": "verified", "here": "already here, verified", "planned": "would be mirrored"}


@click.command(name="mirror")
@click.argument("reference", metavar="REF|list")
@click.argument(
    "folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option("--to", metavar="DIR|s3://BUCKET/PREFIX", help="Where mirrors are kept, many side by side.")
@click.option("--only", multiple=True, metavar="GLOB", help="Mirror only files that match. May be repeated.")
@click.option("--not", "without", multiple=True, metavar="GLOB", help="Leave out files that match. May be repeated.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Connections at once; one file may use all.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be mirrored, and fetch no file.")
@click.option("--sync", is_flag=True, help="Wait until all is on the disk: then it outlives a power cut, too.")
@click.option("--read-only", is_flag=True, help="Take the right to write from every mirrored file.")
@click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path, exists=True),
    metavar="KEY",
    help="Sign the manifest with this private key (`weighbridge key new`).",
)
@click.option("--allow-http", is_flag=True, help="Let `AWS_ENDPOINT_URL` be without TLS on another machine.")
@options.as_json
def command(reference: str, folder: Path | None, to: str | None, *, as_json: bool, **given: Any) -> None:
    """Keep a verified copy of one revision, every file held against the digest that its hub lists.

    REF is a model on a hub (`hf:maker/model@revision`, `ms:...`), a folder, a file, or another mirror. Its commit is
    pinned at the start; the copy appears as DIR/hf/maker/model/COMMIT when all of it is verified, with the manifest
    `weighbridge.mirror.json` in it, and can be served from there. Interrupted, it goes on where it was. A commit that
    is here in full is verified again, and no hub is asked: it stays usable when it vanished there.

    `weighbridge mirror list DIR` lists what is kept; `weighbridge verify DIR` reads it all again.
    """
    if reference == "list":
        _list(folder, as_json=as_json)
        return
    if folder is not None or not to:
        raise UsageError("where the copy is to be kept is not said", hint="`weighbridge mirror REF --to DIR`")
    _make(reference, to, given, as_json=as_json)


def _make(reference: str, to: str, given: dict[str, Any], *, as_json: bool) -> None:
    """Mirror, and say what came of it."""
    from weighbridge.cli.key import signing_key
    from weighbridge.cli.settings import load_settings
    from weighbridge.hub.mirror.choice import Wish
    from weighbridge.workflow.mirror import Asked, mirror

    asked = Asked(
        reference, to, Wish(given["only"], given["without"]), given["jobs"],
        is_dry=given["dry_run"], is_read_only=given["read_only"], is_synced=given["sync"],
        may_be_plain=given["allow_http"],
    )  # fmt: skip
    if given["key"] and to.startswith("s3://"):
        raise UsageError("a signature is written beside the files of a folder only", hint="leave `--sign` out")
    key = signing_key(given["key"]) if given["key"] else None
    with load_settings().workspace.digest_cache() as cache:
        done = mirror(asked, cache, progress_on_stderr())
    if key is not None and done.made is not None:
        from weighbridge.workflow.mirror_signature import sign_mirror

        sign_mirror(Path(done.path), key)
    if as_json:
        print_json("mirror", _content(done))
    else:
        _say(done)
    if done.outcome == "planned":
        return
    path = shlex.quote(done.path)
    click.echo(f"Next: `weighbridge verify {path}` re-checks it; `weighbridge weigh {path}` weighs it", err=True)


def _list(folder: Path | None, *, as_json: bool) -> None:
    """List the mirrors in a folder, by their manifests."""
    from weighbridge.workflow.mirror import list_mirrors

    if folder is None:
        raise UsageError("which folder holds the mirrors is not said", hint="`weighbridge mirror list DIR`")
    found = list_mirrors(folder)
    if as_json:
        print_json("mirrors", {"folder": str(folder), "mirrors": [_shelved(one) for one in found]})
    else:
        for one in found:
            _say_shelved(one)
    click.echo(f"Next: `weighbridge verify {shlex.quote(str(folder))}` reads every file again", err=True)


def _content(done: Mirrored) -> dict[str, Any]:
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


def _say(done: Mirrored) -> None:
    """Print what came of it."""
    count = len(done.choice.files)
    files = f"{count} file{'s' if count != 1 else ''}, {size(done.choice.n_bytes)}"
    click.echo(f"{plain(done.path)}: {files}, {_OUTCOMES[done.outcome]}")
    if done.origin.commit:
        click.echo(f"  commit {plain(done.origin.commit)} of {plain(f'{done.origin.hub}:{done.origin.repository}')}")
    if done.made is not None:
        manifest = done.made.manifest
        click.echo(f"  artefact sha256:{short(manifest.artefact)}: what weighing this folder names")
        if manifest.remote_digest not in {"", manifest.artefact}:
            seen = f"sha256:{short(manifest.remote_digest)}"
            click.echo(f"  from afar it is {seen}: the SHA-256 of small files is known of a copy only")
        parts = [f"{size(done.made.fetched_bytes)} fetched"]
        parts += [f"{done.made.kept_files} files were here"] if done.made.kept_files else []
        parts += [f"{done.made.shared_files} files shared with another revision"] if done.made.shared_files else []
        click.echo(f"  {', '.join(parts)}")
    for one in done.choice.left_out[:_MOST_LINES]:
        click.echo(f"  left out: {plain(one.name)} ({plain(one.reason)})")
    if (more := len(done.choice.left_out) - _MOST_LINES) > 0:
        click.echo(f"  and {more} more left out: `--json` lists them all")


def _shelved(one: Shelved) -> dict[str, Any]:
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


def _say_shelved(one: Shelved) -> None:
    """Print one mirror in two lines."""
    if one.manifest is None:
        click.echo(f"{plain(one.path)}: its manifest cannot be read: {plain(one.trouble)}")
        return
    manifest, origin = one.manifest, one.manifest.origin
    name = f"{origin.hub}:{origin.repository}@{origin.commit[:12]}" if origin.hub else origin.reference
    part = "" if manifest.is_whole else f", {len(manifest.left_out)} left out"
    click.echo(f"{plain(name)}  {len(manifest.files)} files, {size(manifest.n_bytes)}{part}, {manifest.last_at[:10]}")
    click.echo(f"  {plain(one.path)}")
