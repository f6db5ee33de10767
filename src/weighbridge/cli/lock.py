"""`weighbridge lock REF`: path, size and SHA-256 of every file, and the commit, in one small file."""

from __future__ import annotations

from pathlib import Path

import click

from weighbridge.cli import options
from weighbridge.cli.layout import size
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json
from weighbridge.core.digest import short

__all__ = ["command"]


@click.command(name="lock")
@click.argument("reference", metavar="REF")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default="weighbridge.lock.json",
    show_default=True,
    help="Where to write it; not inside the folder that it locks.",
)
@options.as_json
def command(reference: str, output: Path, *, as_json: bool) -> None:
    """Write the digest lock of a model: what `weighbridge verify` holds a copy against.

    REF is a folder, a `.gguf` file, or a model on a hub, whose own digests are taken. The same files give the same
    bytes.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.verify import lock

    with load_settings().workspace.digest_cache() as cache:
        made = lock(reference, output, cache, progress_on_stderr())
    if as_json:
        content = {"digest": made.digest, "files": len(made.files), "by_git": len(made.by_git), "output": str(output)}
        print_json("lock-written", content | {"commit": made.origin.commit})
        return
    total = size(sum(one.size for one in made.files))
    click.echo(f"{output}: {len(made.files) + len(made.by_git)} files, {total}, sha256:{short(made.digest)}")
    target = reference if made.origin.commit is None or Path(reference).exists() else "./model"
    click.echo(f"Next: `weighbridge verify {target} --lock {output}`", err=True)
