"""`weighbridge mirror REF --to DIR`: a verified copy of one revision; `mirror list DIR` says what is kept."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from weighbridge.cli import options
from weighbridge.cli.lines.mirror import mirrored_json, mirrored_lines, shelved_json, shelved_lines
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json
from weighbridge.errors import UsageError

__all__ = ["command"]


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
@options.workspace
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
    with load_settings(workspace=given["workspace"]).workspace.digest_cache() as cache:
        done = mirror(asked, cache, progress_on_stderr())
    if key is not None and done.made is not None:
        from weighbridge.workflow.mirror_signature import sign_mirror

        sign_mirror(Path(done.path), key)
    if as_json:
        print_json("mirror", mirrored_json(done))
    else:
        click.echo("\n".join(mirrored_lines(done)))
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
        print_json("mirrors", {"folder": str(folder), "mirrors": [shelved_json(one) for one in found]})
    else:
        for one in found:
            click.echo("\n".join(shelved_lines(one)))
    click.echo(f"Next: `weighbridge verify {shlex.quote(str(folder))}` reads every file again", err=True)
