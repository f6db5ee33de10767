"""`weighbridge watch digest`: what events mean for us, as text, page, feed or message."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.cli.settings import Settings
    from weighbridge.core.event import ReleaseEvent
    from weighbridge.dossier.digest.page import ToldDigest
    from weighbridge.store.sqlite import SQLiteStore

__all__ = ["command", "events_in", "mark_overtaken", "mirror_folders", "parse_since", "store_in"]

_ROLES = ("engineer", "lawyer", "security", "owner")  # of workflow.digest.ROLE_NAMES
_SPAN = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}


def _file(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        f"--{name}", name, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=f"Write it as {name}."
    )


@click.command(name="digest")
@click.option("--since", default="7d", show_default=True, metavar="7d|DATE|all", help="Seen since then.")
@click.option("--for", "role", type=click.Choice(_ROLES), help="Only what this role should care about.")
@click.option("--all", "everything", is_flag=True, help="Show silent items, too.")
@_file("html")
@_file("atom")
@_file("rss")
@_file("markdown")
@click.option("--send", is_flag=True, help="Post what is new to the webhook that WEIGHBRIDGE_WATCH_WEBHOOK names.")
@options.lang
@options.workspace
@options.as_json
def command(since: str, role: str | None, *, everything: bool, send: bool, as_json: bool, **given: Any) -> None:
    """Say what changed, why it matters to what you decided on, what to do next, and who should care.

    Reasons come from rules. Decisions that an event overtakes are marked as stale; nothing is fetched.
    """
    from weighbridge.cli.lines.digest import digest_lines
    from weighbridge.cli.settings import load_settings, read_secret
    from weighbridge.cli.show import in_workspace, print_json, program
    from weighbridge.dossier.digest.document import digest_json
    from weighbridge.dossier.digest.page import tell
    from weighbridge.dossier.locale import load_locale
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.watch.digest.rules import shipped_rules
    from weighbridge.workflow.digest import make_digest, refresh_stale, rhythms_of, send_digest, view_of

    address = read_secret("WEIGHBRIDGE_WATCH_WEBHOOK") if send else None
    if send and not address:
        raise UsageError("there is no webhook to send to", hint="set `WEIGHBRIDGE_WATCH_WEBHOOK` to its address")
    settings = load_settings(workspace=given["workspace"], language=given["language"])
    known, now = load_knowledge(settings.knowledge), datetime.now(UTC)
    begin = parse_since(since, now)
    with store_in(settings) as store:
        events, view = events_in(settings), view_of(store, known, mirror_folders(settings))
        stale = refresh_stale(events, store, view) if store is not None else []
        shown = [event for event in events if begin is None or event.seen_at >= begin]
        digest = make_digest(shown, view, (begin, now), role=role, least="silent" if everything else "low")
    rhythms = rhythms_of(digest, known, now.date())
    told = tell(digest, shipped_rules(), rhythms, settings.language)
    _write(told, given)
    sent = send_digest(told, address, settings.workspace.path) if address else []
    if as_json:
        content = digest_json(digest, shipped_rules(), rhythms, settings.language)
        print_json("watch-digest", {**content, "stale": [one.body for one in stale], "sent": sent})
        return
    for text in digest_lines(told, load_locale(settings.language)):
        click.echo(text)
    if send:
        click.echo(f"{len(sent)} items sent", err=True)
    click.echo(f"Next: `{program()} watch queue{in_workspace(settings.workspace.path)}`", err=True)


def parse_since(text: str, now: datetime) -> datetime | None:
    """Return the beginning of a time: `36h`, `7d`, `2w`, a day, or None for `all`; raises UsageError."""
    if text == "all":
        return None
    if found := _SPAN.fullmatch(text):
        return now - timedelta(hours=int(found[1]) * _HOURS[found[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"`{text[:40]}` is no time to begin at", hint="write `7d`, `36h`, `2026-11-01` or `all`"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def events_in(settings: Settings) -> list[ReleaseEvent]:
    """Return all events of the workspace's log; raises NotFound where nothing was ever watched."""
    from weighbridge.workflow.digest import logged

    return logged(settings.workspace.path)


def mark_overtaken(settings: Settings) -> None:
    """State which decisions the events of the log have overtaken, where there are decisions, and say how many."""
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.workflow.digest import refresh_stale, view_of

    with store_in(settings) as store:
        if store is None:
            return
        view = view_of(store, load_knowledge(settings.knowledge), mirror_folders(settings))
        made = refresh_stale(events_in(settings), store, view)
    if decisions := {one.body["decision"] for one in made}:
        several = f"{len(decisions)} decisions are" if len(decisions) > 1 else "a decision is"
        click.echo(f"{several} overtaken: `weighbridge watch queue`", err=True)


def mirror_folders(settings: Settings) -> tuple[Path, ...]:
    """Return where copies are looked for: where our documents and commands put them, and in the workspace."""
    return Path("mirror"), Path("models"), settings.workspace.path / "mirror"


@contextmanager
def store_in(settings: Settings) -> Iterator[SQLiteStore | None]:
    """Open the evidence where there is any; a watch alone needs none, and none is made."""
    from weighbridge.workflow.workspace import STORE_FILE

    if not (settings.workspace.path / STORE_FILE).exists():
        yield None
        return
    with settings.workspace.store() as store:
        yield store


def _write(told: ToldDigest, given: dict[str, Any]) -> None:
    from weighbridge.dossier.digest.feed import atom, rss
    from weighbridge.dossier.digest.page import html, markdown
    from weighbridge.dossier.locale import load_locale
    from weighbridge.workflow.workspace import write_whole

    t = load_locale(told.language)
    makers: dict[str, Callable[[], bytes]] = {
        "html": lambda: html(told),
        "markdown": lambda: markdown(told),
        "atom": lambda: atom(told.digest, told.lines, t),
        "rss": lambda: rss(told.digest, told.lines, t),
    }
    for name, make in makers.items():
        if given[name] is not None:
            write_whole(given[name], make())
            click.echo(f"{name}: {given[name]}", err=True)
