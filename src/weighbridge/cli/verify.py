"""`weighbridge verify`: a copy against a lock, evidence, a hub or a signature; an attestation against a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli import options
from weighbridge.cli.layout import plain
from weighbridge.cli.progress import progress_on_stderr
from weighbridge.cli.show import print_json
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from weighbridge.inspection.provenance.copy import Difference
    from weighbridge.inspection.provenance.signature import Outcome
    from weighbridge.inspection.provenance.trust import Signer
    from weighbridge.workflow.attest import Attested
    from weighbridge.workflow.verify import Checked

__all__ = ["command"]

_MOST_LINES = 100
_CODES = {"valid": 0, "invalid": 12, "not checked": 11}
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


class Target(click.Path):
    """A path, or an address in object storage, whose two slashes stay."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Leave `s3://...` as it was typed."""
        return value if str(value).startswith("s3://") else super().convert(value, param, ctx)


@click.command(name="verify")
@click.argument("target", metavar="DIR|FILE|s3://...", type=Target())
@click.option("--lock", type=_FILE, metavar="FILE", help="Hold the copy against this lock.")
@click.option(
    "--against", metavar="REF", help="Hold it against a hub's own digests (`hf:maker/model@commit`), or a copy."
)
@click.option("--signature", type=_FILE, metavar="FILE", help="Model signature; default: `model.sig` in the folder.")
@click.option("--key", type=_FILE, metavar="FILE", help="Public key (PEM) that you trust.")
@click.option(
    "--certificates", type=_FILE, metavar="FILE", help="Certificates (PEM) that you trust to stand behind a signer."
)
@click.option("--identity", metavar="NAME", help="Who must have signed by Sigstore: a mail address or a workflow.")
@click.option("--issuer", metavar="URL", help="Who vouches for that identity (OpenID Connect).")
@click.option(
    "--trust-root", type=_FILE, metavar="FILE", help="Sigstore's `trusted_root.json`; default: its public instance."
)
@options.workspace
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, target: Path | str, *, as_json: bool, **given: Any) -> None:
    """Re-hash a copy of a model and name every missing, extra and changed file.

    Held against --lock, against a hub (--against), against a model signature, or, where none is given, a mirror against
    its manifest (with --key its signature too), else against the
    evidence in the workspace, else the digests that `hf download` noted in the folder. FILE may also be a lock, or an
    attestation (`weighbridge dossier --format attestation`).

    Leaves with 0 where everything holds, 12 where something differs or a signature is invalid, 11 where a signature
    cannot be checked here.
    """
    if isinstance(target, str) or not any(given[name] for name in ("lock", "against", "signature", "identity")):
        code = _mirrors(target, given, as_json=as_json)
        if code is not None or isinstance(target, str):
            ctx.exit(code or 0)
    if (
        given["signature"] is None
        and (target / "model.sig").is_file()
        and (given["key"] or given["certificates"] or given["identity"])
    ):
        given["signature"] = target / "model.sig"
    ctx.exit(
        _attestation(target, given, as_json=as_json)
        if _is_attestation(target)
        else _copy(target, given, as_json=as_json)
    )


def _is_attestation(target: Path) -> bool:
    """Whether a file holds DSSE envelopes, told by its first bytes."""
    from weighbridge.workflow.attest import is_attestation

    return target.is_file() and is_attestation(target)


def _mirrors(target: Path | str, given: dict[str, Any], *, as_json: bool) -> int | None:
    """Verify the mirrors in a folder or bucket; return the exit code, None where there are none."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow import verify

    if isinstance(target, Path) and (not target.is_dir() or _has_other_signature(target, given)):
        return None
    with load_settings(workspace=given["workspace"]).workspace.digest_cache() as cache:
        checked = verify.against_mirror(str(target), cache, progress_on_stderr())
    if not checked:
        return None
    outcomes: list[Outcome] = []
    if isinstance(target, Path) and (given["key"] or given["certificates"]):
        from weighbridge.workflow.mirror_signature import verify_mirror_signatures

        trust = verify.load_trust(given["key"], given["certificates"])
        outcomes = verify_mirror_signatures([one.mirror for one in checked if one.mirror], trust)
    return _tell_mirrors(str(target), checked, outcomes, as_json=as_json)


def _has_other_signature(target: Path, given: dict[str, Any]) -> bool:
    """Whether a key is given for a folder whose makers signed it, and whose mirror nobody signed."""
    is_keyed = given["key"] or given["certificates"]
    return bool(is_keyed) and (target / "model.sig").is_file() and not (target / "weighbridge.mirror.sig").is_file()


def _copy(target: Path, given: dict[str, Any], *, as_json: bool) -> int:
    """Verify a copy in every way that is asked for; return the exit code of the worst."""
    from weighbridge.cli.settings import load_settings
    from weighbridge.workflow import verify

    settings, progress = load_settings(workspace=given["workspace"]), progress_on_stderr()
    target, place = verify.copy_and_lock(target, given["lock"])
    checked: list[Checked] = []
    outcome: Outcome | None = None
    if place:
        checked.append(verify.against_lock(target, place, progress))
    if given["against"]:
        with settings.workspace.digest_cache() as cache:
            checked.append(verify.against_reference(target, given["against"], cache, progress))
    if given["signature"]:
        trust = verify.load_trust(given["key"], given["certificates"], _signer(given))
        outcome = verify.against_signature(target, given["signature"], trust, progress)
    if not checked and outcome is None:
        checked.append(verify.against_what_is_known(target, settings.workspace, progress))
    return _tell(str(target), checked, outcome, as_json=as_json)


def _tell(target: str, checked: list[Checked], outcome: Outcome | None, *, as_json: bool) -> int:
    """Print what was found; return the exit code of the worst."""
    if as_json:
        print_json(
            "verify",
            {"target": target, "checked": [_row(one) for one in checked], "signature": _signature(outcome)},
        )
    else:
        for one in checked:
            _say(one)
        _say_signature(outcome)
    return max([0 if one.holds else 12 for one in checked] + ([_CODES[outcome.outcome]] if outcome else []))


def _tell_mirrors(target: str, checked: list[Checked], outcomes: list[Outcome], *, as_json: bool) -> int:
    """Print what was found of each mirror and its signature; return the exit code of the worst."""
    signatures: list[Outcome | None] = [*outcomes] or [None] * len(checked)
    if as_json:
        rows = [_row(one) | {"signature": _signature(own)} for one, own in zip(checked, signatures, strict=True)]
        worst = max(outcomes, key=lambda one: _CODES[one.outcome], default=None)
        print_json("verify", {"target": target, "checked": rows, "signature": _signature(worst)})
    else:
        for one, own in zip(checked, signatures, strict=True):
            _say(one)
            _say_signature(own)
    return max([0 if one.holds else 12 for one in checked] + [_CODES[one.outcome] for one in outcomes])


def _signer(given: dict[str, Any]) -> Signer | None:
    """Return the identity that must have signed; raises UsageError where half of it is given."""
    from weighbridge.inspection.provenance.trust import Signer

    name, issuer = given["identity"], given["issuer"]
    if not name and not issuer:
        return None
    if not name or not issuer:
        raise UsageError("an identity is a name and who vouches for it", hint="`--identity NAME --issuer URL`")
    return Signer(name, issuer, given["trust_root"])


def _attestation(target: Path, given: dict[str, Any], *, as_json: bool) -> int:
    """Verify an attestation; return the exit code."""
    from weighbridge.workflow.attest import verify_attestation
    from weighbridge.workflow.verify import load_trust

    found = verify_attestation(target, load_trust(given["key"], given["certificates"]))
    if as_json:
        print_json("verify-attestation", found.to_json())
    else:
        _say_attestation(found)
    return _CODES[found.outcome]


def _row(checked: Checked) -> dict[str, Any]:
    mirror = checked.mirror
    origin = mirror.manifest.origin if mirror else None
    return {
        "path": mirror.path if mirror else None, "hub": (origin and origin.hub) or None,
        "repository": (origin and origin.repository) or None, "commit": (origin and origin.commit) or None,
        "source": checked.source, "files": checked.count, "holds": checked.holds,
        "differences": [_difference(one) for one in checked.differences],
    }  # fmt: skip


def _difference(one: Difference) -> dict[str, str]:
    return {"name": one.name, "kind": one.kind, "detail": one.detail}


def _signature(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "outcome": outcome.outcome, "reason": outcome.reason, "signer": outcome.signer, "files": outcome.covered,
        "ignored": list(outcome.ignored), "differences": [_difference(one) for one in outcome.differences],
    }  # fmt: skip


def _say(checked: Checked) -> None:
    """Print one comparison."""
    count = f"{checked.count} file{'s' if checked.count != 1 else ''}"
    copy = f"{plain(checked.mirror.path)}: " if checked.mirror else ""
    if checked.holds:
        click.echo(f"holds: {copy}all {count} are as {plain(checked.source)} says, and no other")
    else:
        found = f"{len(checked.differences)} difference{'s' if len(checked.differences) != 1 else ''}"
        click.echo(f"differs: {copy}{found} from {plain(checked.source)} ({count})")
        _say_differences(checked.differences)


def _say_differences(differences: tuple[Difference, ...]) -> None:
    for one in differences[:_MOST_LINES]:
        click.echo(f"  {one.kind:<8} {plain(one.name)}{f': {plain(one.detail)}' if one.detail else ''}")
    if (more := len(differences) - _MOST_LINES) > 0:
        click.echo(f"  and {more} more: `--json` lists them all")


def _say_signature(outcome: Outcome | None) -> None:
    """Print what came of a signature."""
    if outcome is None:
        return
    click.echo(f"signature {outcome.outcome}: {plain(outcome.reason)}")
    _say_differences(outcome.differences)
    if outcome.outcome == "valid":
        counted = "1 file is" if outcome.covered == 1 else f"{outcome.covered} files are"
        click.echo(f"  {counted} signed and unchanged")
        if outcome.ignored:
            click.echo(f"  not covered by it: {plain(', '.join(outcome.ignored))}")


def _say_attestation(found: Attested) -> None:
    """Print what came of an attestation."""
    click.echo(f"attestation {found.outcome}: {plain(found.reason)}")
    for line in found.lines:
        click.echo(f"  {plain(line)}")
