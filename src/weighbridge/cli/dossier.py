"""`weighbridge dossier ID`: render a decision that was made, again, in any format or language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from weighbridge import plugin
from weighbridge.cli import options
from weighbridge.cli.show import print_json
from weighbridge.errors import NotFound, UsageError

__all__ = ["command"]


@click.command(name="dossier")
@click.argument("decision", metavar="[ID]", required=False)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help="html, json, markdown, mlbom (CycloneDX), spdx, attestation or a plug-in's; repeatable. Default: the three.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Private key (PEM) that signs the attestation: `weighbridge key new`.",
)
@click.option("--output", metavar="DIR", help="Folder of the files; default: the workspace.")
@options.language
@options.workspace
@options.as_json
def command(
    decision: str | None, formats: tuple[str, ...], output: str | None, key: Path | None, *, as_json: bool, **given: Any
) -> None:
    """Write the dossier of a decision; ID is the decision's evidence id, by default the newest decision.

    Nothing is measured again: the dossier is made from the very evidence that the decision cites.
    """
    from weighbridge.cli.key import signing_key
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.judge import RENDERED, dossier_of, write_dossier

    settings = load_settings(workspace=given["workspace"], language=given["language"])
    wanted = formats or tuple(name for name in RENDERED if name in plugin.names("renderers"))
    seal = signing_key(key) if key else None
    with settings.workspace.store(read_only=True) as store:
        if decision is None:
            made = list(store.select(kind="decision/v1"))
            if not made:
                raise NotFound("no decision was made in this workspace", hint="make one: `weighbridge decide REF`")
            statement = made[-1]
        else:
            statement = store.get(decision)
        if statement.kind != "decision/v1":
            raise UsageError(
                f"`{decision}` is `{statement.kind}`, not a decision",
                hint="list the decisions: `weighbridge evidence list --kind decision/v1`",
            )
        folder = Path(output) if output else settings.workspace.path
        files = write_dossier(dossier_of(statement, store), folder, wanted, settings.language, seal)
    if as_json:
        print_json("dossier", {"decision": statement.id, "files": [str(path) for path in files]})
        return
    for path in files:
        click.echo(path)
    click.echo(f"Next: `weighbridge ui {settings.workspace.path}`", err=True)
