"""Where policies come from: the ones that ship, and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.decision.policy import MAX_BYTES, parse_policy
from weighbridge.errors import NotFound, PolicyError, did_you_mean

if TYPE_CHECKING:
    from weighbridge.decision.policy import Policy

__all__ = ["load_policy", "shipped_policies"]


def shipped_policies() -> dict[str, Path]:
    """Return the policies that ship, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "policies").glob("*.toml"))}


def load_policy(name_or_path: str) -> Policy:
    """Load a shipped policy by name, or a policy file; raises NotFound or PolicyError."""
    shipped = shipped_policies()
    if name_or_path in shipped:
        path = shipped[name_or_path]
        return parse_policy(_text(path), path.name)
    path = Path(name_or_path)
    if not _is_file(path):
        known = ", ".join(f"`{name}`" for name in shipped)
        raise NotFound(
            f"there is no policy `{name_or_path}`",
            hint=did_you_mean(name_or_path, shipped) or f"shipped: {known}; or give the path of a TOML file",
        )
    return parse_policy(_text(path), name_or_path)


def _is_file(path: Path) -> bool:
    """Tell whether a path is a regular file; what the system cannot look up is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _text(path: Path) -> str:
    """Read a bounded UTF-8 file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"`{path}` cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise PolicyError(f"`{path}` is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError(f"`{path}` is not UTF-8: byte {error.start} begins no character") from error
