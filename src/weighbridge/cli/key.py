"""`weighbridge key new`: a key pair that signs attestations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from weighbridge.inspection.provenance.keys import SigningKey

__all__ = ["command", "signing_key"]

_PASSPHRASE = "WEIGHBRIDGE_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
_PRIVATE_MODE, _PUBLIC_MODE = 0o600, 0o644


@click.group(name="key")
def command() -> None:
    """Make a key that signs attestations."""


@command.command(name="new")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default="weighbridge-key.pem",
    show_default=True,
    help="The private key; the public one is written beside it as `<name>.pub.pem`.",
)
@click.option("--type", "kind", type=click.Choice(["ed25519", "p256"]), default="ed25519", show_default=True)
def new(output: Path, kind: str) -> None:
    """Make a key pair; the private key can be read by you alone, and no file is overwritten.

    With WEIGHBRIDGE_KEY_PASSPHRASE in the environment (or WEIGHBRIDGE_KEY_PASSPHRASE_FILE) it is encrypted.
    """
    from weighbridge.cli.settings import read_secret
    from weighbridge.workflow.attest import make_key

    key = make_key(kind)
    public = output.with_name(f"{output.stem}.pub.pem")
    for path in (output, public):
        if path.exists():
            raise UsageError(f"`{path}` is there already", hint="give another place: `--output FILE`")
    _write(output, key.private_pem(read_secret(_PASSPHRASE)), _PRIVATE_MODE)
    _write(public, key.public_pem(), _PUBLIC_MODE)
    click.echo(f"{output}: keep it to yourself")
    click.echo(f"{public}: SHA-256 {key.public.fingerprint}")
    click.echo(f"Next: `weighbridge dossier --format attestation --key {output}`", err=True)


def signing_key(path: Path) -> SigningKey:
    """Read a private key, and warn where others on this machine can read it too."""
    from weighbridge.cli.settings import read_secret
    from weighbridge.workflow.attest import load_key

    key = load_key(path, read_secret(_PASSPHRASE))
    if key.is_open:
        click.echo(f"warning: others can read `{path}`; `chmod 600 {path}`", err=True)
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a new file with these permissions from its first byte on."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise WeighbridgeError(f"`{path}` cannot be written: {error.strerror}", hint="choose another place") from error
