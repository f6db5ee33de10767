"""`weighbridge audit ...`: the audit log of the gateway, verified, read and signed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import plain
from weighbridge.cli.show import print_json
from weighbridge.core.digest import short
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from weighbridge.pilot.audit.export import Wanted
    from weighbridge.pilot.audit.head import Head
    from weighbridge.pilot.audit.verify import Report

__all__ = ["command"]

_DIFFERS = 12
_ALL = 1 << 62  # bytes
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]

_log = click.option(
    "--log",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Folder of the log; default: `audit` in the workspace.",
)
_since = click.option("--since", type=click.DateTime(_TIMES), help="From this day or time on (UTC).")
_until = click.option("--until", type=click.DateTime(_TIMES), help="Before this day or time (UTC).")
_key = click.option("--key-id", "key", default="", metavar="ID", help="Of this key only.")
_route = click.option("--route", default="", metavar="NAME", help="Of this route only.")
_event = click.option("--event", default="", metavar="NAME", help="Of this event only, e.g. `exchange`.")


@click.group(name="audit")
def command() -> None:
    """Verify, list, export and sign the gateway's audit log."""


@command.command(name="verify")
@_log
@click.option("--head", "kept", type=_FILE, multiple=True, metavar="FILE", help="Heads that you kept elsewhere.")
@click.option("--trust", type=_FILE, metavar="FILE", help="Public key (PEM) that must have signed every head.")
@click.option(
    "--from-segment", type=click.IntRange(min=1), default=1, help="The log begins here: older segments were put away."
)
@options.workspace
@options.as_json
@click.pass_context
def verify_log(
    ctx: click.Context, /, folder: Path | None, kept: tuple[Path, ...], *, as_json: bool, **given: Any
) -> None:
    """Say whether every record is there, whole and in order; leaves with 12 where not, and says where.

    A log whose end was cut off at a record, or that was written anew, is found out by a head only: keep some elsewhere
    (`weighbridge audit head --key KEY > head.jsonl`).
    """
    from weighbridge.cli.progress import progress_on_stderr
    from weighbridge.pilot.audit.verify import verify

    folder = folder or _default(given["workspace"])
    heads = _read_heads(folder, kept, given["trust"])
    report = verify(folder, heads, begins_at=given["from_segment"], progress=progress_on_stderr())
    if as_json:
        signed = given["trust"] is not None
        print_json("audit-verify", {"log": str(folder), "heads_signed": signed, **report.to_json()})
    else:
        _show(report, given["trust"])
    ctx.exit(0 if report.holds else _DIFFERS)


@command.command(name="list")
@_log
@_since
@_until
@_key
@_route
@_event
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most the last so many.")
@options.workspace
@options.as_json
def list_records(folder: Path | None, *, last: int, as_json: bool, **given: Any) -> None:
    """List records, oldest first."""
    from weighbridge.pilot.audit.tail import read_tail

    tail = read_tail(folder or _default(given["workspace"]), _wanted(**given), last, _ALL)
    records = tail.records[::-1]
    if tail.damaged:
        click.echo(f"warning: lines that are no records: {tail.damaged}; see `weighbridge audit verify`", err=True)
    if as_json:
        print_json("audit-list", {"records": records, "damaged": tail.damaged})
        return
    for record in records:
        click.echo(plain(_line(record)))
    click.echo(f"{len(records)} records. Next: `weighbridge audit verify`", err=True)


@command.command(name="export")
@_log
@_since
@_until
@_key
@_route
@_event
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@options.workspace
def export(folder: Path | None, *, form: str, **given: Any) -> None:
    """Write records to stdout, as CSV or JSON Lines."""
    from weighbridge.pilot.audit.export import csv_lines, json_lines, select

    records = select(folder or _default(given["workspace"]), _wanted(**given))
    lines = csv_lines(records) if form == "csv" else json_lines(records)
    sys.stdout.writelines(lines)


@command.command(name="head")
@_log
@click.option("--key", "path", type=_FILE, metavar="FILE", help="Private key (PEM) to sign it with.")
@options.workspace
@options.as_json
def head(folder: Path | None, path: Path | None, *, as_json: bool, **given: Any) -> None:
    """Verify the log and say where it stands; with --key, signed: one line to keep elsewhere."""
    from weighbridge.cli.key import signing_key
    from weighbridge.cli.progress import progress_on_stderr
    from weighbridge.pilot.audit.head import sign_head
    from weighbridge.pilot.audit.verify import verify

    folder = folder or _default(given["workspace"])
    report = verify(folder, progress=progress_on_stderr())
    if not report.holds or report.head is None:
        raise UsageError("the log does not verify, so its head is not told", hint="`weighbridge audit verify`")
    if path is not None:
        click.echo(sign_head(report.head, signing_key(path)).decode())
    elif as_json:
        print_json("audit-head", report.head._asdict())
    else:
        click.echo(f"{report.head.sequence} {report.head.hash} {report.head.time}")
    click.echo("Next: keep it elsewhere; `weighbridge audit verify --head FILE` holds the log against it", err=True)


def _default(workspace: str | None) -> Path:
    """Return the workspace's log."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.pilot.audit.segments import AUDIT_FOLDER

    return Path(load_settings(workspace=workspace).workspace.path) / AUDIT_FOLDER


def _read_heads(folder: Path, kept: Sequence[Path], trust: Path | None) -> list[Head]:
    """Read the heads beside the log and those kept elsewhere; raises UsageError for a wrong signature."""
    from weighbridge.pilot.audit.head import HEADS_FILE, head_of, read_heads

    paths = [*kept, *([folder / HEADS_FILE] if (folder / HEADS_FILE).exists() else [])]
    heads = []
    for path in paths:
        for number, envelope in enumerate(read_heads(path), 1):
            heads.append(head_of(envelope, path))
            if trust is not None:
                from weighbridge.inspection.provenance.keys import load_public
                from weighbridge.inspection.provenance.signature import verify_envelope
                from weighbridge.inspection.provenance.trust import Trust

                outcome = verify_envelope(envelope, Trust(key=load_public(trust)))
                if outcome.outcome != "valid":
                    raise UsageError(f"head {number} of `{path}` is not what it seems: {outcome.reason}")
    return heads


def _wanted(**given: Any) -> Wanted:
    """Read what is asked for; a time without a zone is UTC."""
    from datetime import UTC

    from weighbridge.pilot.audit.export import Wanted

    def zoned(at: datetime | None) -> datetime | None:
        return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at

    return Wanted(zoned(given["since"]), zoned(given["until"]), given["key"], given["route"], given["event"])


def _show(report: Report, trust: Path | None) -> None:
    """Print what came of a verification."""
    for problem in report.problems:
        where = (
            f"{problem.file}, line {problem.line}: " if problem.line else f"{problem.file}: " if problem.file else ""
        )
        click.echo(f"{where}{plain(problem.what)}")
    if report.more:
        click.echo(f"and {report.more} more")
    if report.begun:
        click.echo(f"{len(report.begun)} streams began and have no end yet, or the process was killed meanwhile")
    if report.back:
        click.echo(f"the clock went back {report.back} times; the order of the records does not rest on it")
    if not report.holds:
        click.echo("The log does NOT hold.")
    elif report.head is not None:
        signed = ", signed by the key you trust" if trust else ""
        word = "head" if report.heads == 1 else "heads"
        heads = f"{report.heads} kept {word} met{signed}" if report.heads else "no head to hold its end against"
        click.echo(
            f"The log holds: records {report.first} to {report.head.sequence} ({short(report.head.hash)}), {heads}."
        )
    click.echo("Next: `weighbridge audit head --key KEY`, and keep it elsewhere", err=True)


def _line(record: dict[str, Any]) -> str:
    """Write one record in one line."""
    body = record["body"]
    if "path" in body:
        cost = "" if body.get("nano_usd") is None else f"  {body['nano_usd'] / 1e9:.6f} USD"
        status = body.get("status", "")
        what = f"{body['key'] or '-'}  {body['route'] or '-'}/{body['leg'] or '-'}  {body['path']}  {status}{cost}"
        return (
            f"{record['sequence']:>8}  {record['time']}  {record['event']:<16} {what}  {body.get('error', '')}".rstrip()
        )
    facts = "  ".join(f"{name}={value}" for name, value in body.items())
    return f"{record['sequence']:>8}  {record['time']}  {record['event']:<16} {facts}".rstrip()
