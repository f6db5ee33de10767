"""Options that several commands share, so that they are said once."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = [
    "DEFAULT_WORKSPACE",
    "again",
    "as_json",
    "data",
    "engine",
    "in_flight",
    "lang",
    "language",
    "limit",
    "no_verdict_code",
    "policy",
    "suites",
    "timeout_s",
    "workspace",
]

DEFAULT_WORKSPACE = "weighbridge-work"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else, on stdout.")
workspace = click.option("--workspace", metavar="DIR", help="Folder of the evidence store and the dossiers.")
policy = click.option("--policy", metavar="NAME|FILE", help="Policy to decide by: a shipped name or a TOML file.")
engine = click.option(
    "--engine", metavar="URL", help="Address of the engine that serves the model: http://host/v1[#name]."
)
suites = click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME|DIR|FILE",
    help="Suite to ask: a name, a suite's folder or TOML, or your own table (.jsonl, .csv). May be repeated. "
    "Default: the starter suites.",
)
data = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    metavar="FOLDER",
    help="Folder of the data of the one recipe that `--suite` names.",
)
limit = click.option("--limit", type=click.IntRange(min=1), help="Ask at most this many questions of each suite.")
again = click.option(
    "--again", is_flag=True, help="Ask anew what was asked before today; without it, stored answers count."
)
language = click.option("--language", metavar="en|zh", help="Language of the dossier.")
lang = click.option("--lang", "language", type=click.Choice(["en", "zh"]), help="Language; default: the setting.")
in_flight = click.option(
    "--in-flight",
    type=click.IntRange(1, 4096),
    default=16,
    show_default=True,
    help="Requests at once to an engine over HTTP.",
)
timeout_s = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 86_400),
    default=120,
    show_default=True,
    help="Seconds to wait for one answer.",
)
no_verdict_code = click.option("--no-verdict-code", is_flag=True, help="Leave with 0 whatever the verdict.")
