"""`weighbridge watch serve`: poll on schedule, and serve the digest and its feeds on this machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.watch_digest import events_in, mark_overtaken, mirror_folders, store_in
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from weighbridge.cli.settings import Settings
    from weighbridge.dossier.digest.page import ToldDigest
    from weighbridge.watch.digest.windows import Rhythm

__all__ = ["command"]

_EVERY = re.compile(r"(\d{1,4})(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_LEAST_S = 60
_SHOWN_DAYS = 30


@click.command(name="serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8781,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--every", default="1h", show_default=True, metavar="30m|1h|1d", help="Pause between rounds.")
@options.workspace
@options.as_json
def command(port: int, every: str, workspace: str | None, *, as_json: bool) -> None:
    """Watch on schedule and serve the digest of the last 30 days on 127.0.0.1 until Ctrl-C.

    `/`, `/digest.json`, `/feed.atom`, `/rss.xml`, `/healthz`; `?lang=zh` for Chinese. Hugging Face's webhooks may be
    forwarded to POST `/webhook/huggingface`, with the secret that WEIGHBRIDGE_WATCH_SECRET holds: one only says where
    to look now, and is never believed.
    """
    from weighbridge.cli.settings import load_settings, read_watch_secret
    from weighbridge.cli.show import print_json
    from weighbridge.errors import ExtraMissing
    from weighbridge.workflow.following.patrol import Patrol

    pause_s = _seconds(every)
    settings, secret = load_settings(workspace=workspace), read_watch_secret()
    try:
        from weighbridge.web.server import run_app
        from weighbridge.web.watch import create_watch_app
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"the pages need `{error.name}`, which is not installed", hint="pip install 'weighbridge[ui]'"
        ) from error
    patrol = Patrol(_look(settings), pause_s)
    app = create_watch_app(
        lambda language: _told(settings, language), health=patrol.health, knock=patrol.want, secret=secret
    )

    def announce(url: str) -> None:
        patrol.start()
        if as_json:
            print_json("watch-serve", {"url": url, "every_s": pause_s})
        else:
            click.echo(f"The digest of {settings.workspace.path} is at: {url}\nStop with Ctrl-C")

    try:
        run_app(app, port, announce)
    finally:
        patrol.end()


def _look(settings: Settings) -> Callable[[Collection[str]], None]:
    """Return what makes a round and marks what it overtakes."""
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.workflow.watch import Watcher

    def look(publishers: Collection[str]) -> None:
        Watcher(settings.workspace.path, load_knowledge(settings.knowledge)).run(only=publishers)
        mark_overtaken(settings)

    return look


def _told(settings: Settings, language: str) -> tuple[ToldDigest, Mapping[str, Rhythm]]:
    """Make the digest of the last days, in a language."""
    from weighbridge.dossier.digest.page import tell
    from weighbridge.knowledge.load import load_knowledge
    from weighbridge.watch.digest.rules import shipped_rules
    from weighbridge.workflow.digest import make_digest, rhythms_of, view_of

    known, now = load_knowledge(settings.knowledge), datetime.now(UTC)
    since = now - timedelta(days=_SHOWN_DAYS)
    events = [event for event in events_in(settings) if event.seen_at >= since]
    with store_in(settings) as store:
        digest = make_digest(events, view_of(store, known, mirror_folders(settings)), (since, now))
    rhythms = rhythms_of(digest, known, now.date())
    return tell(digest, shipped_rules(), rhythms, language), rhythms


def _seconds(text: str) -> int:
    """Read a pause such as `30m`; raises UsageError."""
    found = _EVERY.fullmatch(text)
    seconds: Any = int(found[1]) * _SECONDS[found[2]] if found else 0
    if seconds < _LEAST_S:
        raise UsageError(
            f"`{text[:40]}` is no pause between rounds", hint="write `30m`, `1h` or `1d`; a minute is the least"
        )
    return int(seconds)
