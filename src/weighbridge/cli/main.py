"""The command line: commands are imported when they are called, so that `--help` stays fast."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import NoReturn

import click

from weighbridge import __version__
from weighbridge.errors import Interrupted, UsageError, WeighbridgeError, did_you_mean

__all__ = ["COMMANDS", "main", "run"]

COMMANDS = {
    "weigh": "Resolve, inspect, evaluate, decide, and write the dossier",
    "demo": "Weigh the small model of the demo, offline",
    "inspect": "Read a model's files without running it",
    "licence": "Name a licence, read its terms, judge an intended use by them",
    "fit": "Say whether a model fits on devices, and on which it would",
    "training": "Compute what training a model took, and what its stated hours imply",
    "claims": "Check what is said of known models against facts",
    "lineage": "Say where a model comes from, by declarations and by weights",
    "openness": "Say how open a model is, framework by framework",
    "evaluate": "Ask a model the questions of one or more suites",
    "suites": "List, show, add, fetch and check what models can be asked",
    "engine": "Say what an engine can do, and what it really serves",
    "behaviour": "Measure what a model refuses, evades and recites, by language",
    "gate": "Say whom a gate of counts lets pass, and what count would show the rate",
    "canary": "Choose questions with stable answers, and ask them again to see a change",
    "compare": "Compare two models on the same questions, and stop when it is clear",
    "results": "Use runs that other tools have stored, as evidence",
    "precision": "Measure what a quantized model lost against its original",
    "contamination": "Look for hints that a model has seen a suite before",
    "arena": "Let people and a judge vote, blind, between the answers of models",
    "label": "Let people label what answers do, blind, and hold the detector against it",
    "load": "Measure latency and throughput under many users, by service levels",
    "decide": "Decide by a policy from the evidence there is",
    "dossier": "Write the dossier of a decision again, in any format or language",
    "share": "Say whose a hub's downloads are, by publisher and by base model",
    "mirror": "Keep a verified copy of one revision, and list what is kept",
    "lock": "Write down size and digest of every file of a model",
    "verify": "Hold a copy against a lock, evidence, a hub or a signature; verify an attestation",
    "key": "Make a key that signs attestations",
    "evidence": "List, show, export, import and verify evidence",
    "explain": "Explain a rule, check, kind, measure, suite or verdict",
    "ui": "Look at a workspace in the browser, on this machine only",
    "plugins": "List hubs, engines, checks, suites, scorers and renderers",
    "serve": "Serve OpenAI's API, and pass on what asks for an admitted model",
    "watch": "Follow what makers release and change on the hubs, and log it",
    "inventory": "Find the models in folders, images, code and endpoints, and trace each to its base",
    "pilot": "Make and end the keys of the gateway, and see what they spent",
    "audit": "Verify, list, export and sign the gateway's audit log",
    "knowledge": "Show and renew what is known of makers, families, releases and prices",
    "doctor": "Say what is installed, what is missing, and how to get it",
}
_COLLECT_AFTER = 20_000  # new objects; modules stay to the end, and walking them again and again is a tenth of a start


class _Commands(click.Group):
    """A group whose commands live in modules of their own name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            raise UsageError(
                f"no such command `{cmd_name}`", hint=did_you_mean(cmd_name, COMMANDS) or "see `weighbridge --help`"
            )
        command: click.Command = importlib.import_module(f"weighbridge.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_EPILOG = """\b
Exit codes: 0 done, and for `weigh`, `demo`, `decide`: adopt
            1 Weighbridge failed        2 wrong usage, policy or input
            3 not found                 4 interrupted or given up, partial evidence kept
           10 adopt with conditions    11 hold, or `fit`: unknown, or `verify`: not checked,
              or `canary check`: not known, or `inventory --deny`: absence not shown
           12 reject, or `inspect --fail-on` met, or `fit`: does not fit, or `verify`: differs,
              or `canary check`: changed, or `inventory --deny`: it is there
All other exit codes are reserved."""


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="weighbridge", message="%(prog)s %(version)s")
def main() -> None:
    """Decide whether an open-weight language model may go into production, and prove why.

    Everything works offline and nothing phones home. Start with `weighbridge demo`.
    """


def run() -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(_COLLECT_AFTER)
    try:
        code = main.main(prog_name="weighbridge", standalone_mode=False)
        sys.stdout.flush()
    except WeighbridgeError as error:
        code = _say(error.message, error.hint, error.exit_code)
    except click.UsageError as error:
        code = _say(*_usage(error), 2)
    except (KeyboardInterrupt, click.Abort):
        code = _say(
            "stopped; what was done is kept", "run the same command again: it goes on from there", Interrupted.exit_code
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: not our failure
        code = 0
    except Exception as error:
        if os.environ.get("WEIGHBRIDGE_TRACEBACK"):
            raise
        code = _say(*_failure(error))
    sys.exit(code if isinstance(code, int) else 0)


def _failure(error: Exception) -> tuple[str, str, int]:
    """Return what to say of an error that nobody expected; a file of another user's is no mistake of ours."""
    if isinstance(error, PermissionError) and error.filename:
        return f"`{error.filename}`: permission denied", "run it as the user that it belongs to", 2
    return (
        f"Weighbridge failed: {type(error).__name__}: {error}",
        "this is a mistake of ours; `WEIGHBRIDGE_TRACEBACK=1` shows where it happened",
        1,
    )


def _say(message: str, hint: str | None, code: int) -> int:
    """Print an error in the house's form, on stderr."""
    from weighbridge.dossier.visible import reveal, single_line

    click.echo(f"error: {single_line(message)}", err=True)
    if hint:
        click.echo(f"\nhint: {reveal(hint)}", err=True)
    return code


def _usage(error: click.UsageError) -> tuple[str, str | None]:
    """Turn click's words into a message and a hint."""
    message = error.format_message().rstrip(".")
    message, _, near = message.partition(" Did you mean ")
    path = error.ctx.command_path if error.ctx else "weighbridge"
    message = message.rstrip(".").replace("'", "`")
    hint = f"did you mean {near.rstrip('?').replace(chr(39), '`')}?" if near else f"see `{path} --help`"
    return message[:1].lower() + message[1:], hint
