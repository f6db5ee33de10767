"""`weighbridge evidence ...`: the store, looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.show import print_json
from weighbridge.core.digest import short
from weighbridge.dossier.visible import reveal, single_line
from weighbridge.errors import StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence

__all__ = ["command"]

_kind = click.option("--kind", metavar="KIND", help="Only this kind, e.g. `score/v1`.")
_subject = click.option("--subject", metavar="DIGEST", help="Only statements about this artefact.")


@click.group(name="evidence")
def command() -> None:
    """List, show, export, import and verify evidence."""


@command.command(name="list")
@_kind
@_subject
@options.workspace
@options.as_json
def list_evidence(kind: str | None, subject: str | None, *, as_json: bool, **given: Any) -> None:
    """List the statements, oldest first."""
    from weighbridge.cli.settings import load_settings

    with load_settings(workspace=given["workspace"]).workspace.store(read_only=True) as store:
        rows = [_row(statement) for statement in store.select(subject=subject, kind=kind)]
    if as_json:
        print_json("evidence-list", {"evidence": rows})
        return
    for row in rows:
        about = single_line(row["about"])
        click.echo(f"{short(row['id'])}  {row['made_on']}  {row['kind']:<15} {short(row['subject'])}  {about}")
    click.echo(f"{len(rows)} statements. Next: `weighbridge evidence show ID`", err=True)


@command.command(name="show")
@click.argument("statement", metavar="ID")
@options.workspace
@options.as_json
def show(statement: str, *, as_json: bool, **given: Any) -> None:
    """Show one statement by the first digits of its id, or one whole answer by the recipe that an item names."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.decision.staleness import stale_about

    with load_settings(workspace=given["workspace"]).workspace.store(read_only=True) as store:
        recipe = statement if statement.startswith("sha256:") else f"sha256:{statement}"
        completion = store.completions([recipe]).get(recipe)
        if completion is None:
            found = store.get(statement)
            content = {"id": found.id, "recipe": found.recipe, **found.to_json()}
            if (stale := stale_about(store, found)) is not None:
                content["stale"] = stale.model_dump()
        else:
            content = {"recipe": recipe, "completion": completion}
    if as_json:
        print_json("evidence", content)
    else:
        click.echo(reveal(json.dumps(content, ensure_ascii=False, indent=2)))


@command.command(name="export")
@_kind
@_subject
@click.option("--statement", is_flag=True, help="As in-toto Statements (v1), one to one.")
@click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="KEY",
    help="As in-toto Statements, each in a DSSE envelope signed with this private key (PEM).",
)
@options.workspace
def export(kind: str | None, subject: str | None, key: Path | None, *, statement: bool, **given: Any) -> None:
    """Write statements to stdout as JSON Lines."""
    from weighbridge.cli.settings import load_settings

    with load_settings(workspace=given["workspace"]).workspace.store(read_only=True) as store:
        if key is not None:
            _export_signed(store.select(subject=subject, kind=kind), key)
            return
        for found in store.select(subject=subject, kind=kind):
            content = found.statement() if statement else {"id": found.id, **found.to_json()}
            click.echo(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def _export_signed(statements: Iterable[Evidence], key: Path) -> None:
    """Write each statement in a signed envelope, a line each."""
    from weighbridge.cli.key import signing_key
    from weighbridge.core.digest import canonical
    from weighbridge.workflow.attest import seal

    private = signing_key(key)
    for found in statements:
        click.echo(seal(canonical(found.statement()), private).decode(), nl=False)


@command.command(name="import")
@click.argument("file", type=click.File("rb"))
@options.workspace
@options.as_json
def import_evidence(file: IO[bytes], *, as_json: bool, **given: Any) -> None:
    """Add what `evidence export` wrote (FILE, or - for stdin) to this workspace; what is there already stays as it is.

    A gateway may run on the workspace meanwhile: it sees a new decision within two seconds. Answers that statements
    cite by digest stay where they were made, which `evidence verify` says.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.store.intake import take_in

    with load_settings(workspace=given["workspace"]).workspace.store() as store:
        added, lines = take_in(file, store)
    if as_json:
        print_json("evidence-import", {"added": added, "known": lines - added})
    else:
        click.echo(f"{added} statements added, {lines - added} were there")
        click.echo("Next: `weighbridge pilot routes`", err=True)


@command.command(name="verify")
@options.workspace
@options.as_json
def verify(*, as_json: bool, **given: Any) -> None:
    """Recompute every id, the hash chain and every answer's digest; leave with 1 where one does not hold.

    Whoever can write the file can rebuild the chain: keep the newest id elsewhere, and compare.
    """
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow.audit import audit

    with load_settings(workspace=given["workspace"]).workspace.store(read_only=True) as store:
        found = audit(store)
    if as_json:
        content = {
            "records": found.statements,
            "answers": found.answers,
            "answers_gone": found.gone,
            "holds": found.gone == 0,
        }
        print_json("evidence-verify", content)
    else:
        click.echo(f"{found.statements} records verified: every id and the hash chain hold")
        click.echo(f"{found.answers} answers verified against the evidence that cites them, {found.gone} are gone")
    if found.gone:
        raise StoreDamaged("answers that evidence cites are no longer stored", hint="go back to a copy of the file")


@command.command(name="kinds")
@click.option("--schema", metavar="KIND", help="Print the JSON Schema of a kind's body.")
@options.as_json
def kinds(schema: str | None, *, as_json: bool) -> None:
    """List the kinds of evidence, or print the JSON Schema of one."""
    from weighbridge.core.kinds import KINDS, schema_of

    if schema is not None:
        if schema not in KINDS:
            raise click.UsageError(f"there is no kind '{schema}'; known: {', '.join(KINDS)}")
        click.echo(json.dumps(schema_of(schema), indent=2))
        return
    summaries = {kind: str(body.__doc__).splitlines()[0] for kind, body in KINDS.items()}
    if as_json:
        print_json("evidence-kinds", {"kinds": summaries})
        return
    for kind, summary in summaries.items():
        click.echo(f"{kind:<15} {summary}")
    click.echo("Next: `weighbridge explain KIND`", err=True)


def _row(statement: Evidence) -> dict[str, str]:
    """Return the line of one statement."""
    body = statement.body
    suite = body.get("suite")
    about = suite.get("name") if isinstance(suite, dict) else body.get("name")
    decision = body.get("decision")
    if isinstance(decision, dict):
        about = f"{decision.get('verdict')} by `{decision.get('policy_name')}`"
    return {
        "id": statement.id,
        "kind": statement.kind,
        "subject": statement.subject,
        "made_on": statement.made_on.isoformat(),
        "about": str(about or ""),
    }
