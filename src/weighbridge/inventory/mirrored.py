"""Name the files of a mirror by its manifest: the hub, the repository and the commit that they were copied from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.errors import WeighbridgeError
from weighbridge.hub.mirror.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    from weighbridge.hub.mirror.manifest import Manifest
    from weighbridge.inventory.found import Found

__all__ = ["named_by_mirror"]

_WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt", ".pth")


def named_by_mirror(found: Found) -> Found:
    """Return a trace of files under the name in the manifest beside them; another trace, or without one, as it is.

    A manifest whose files have other sizes than the ones there speaks of other files: it names nothing.
    """
    if found.way not in {"weights", "cache"} or not found.folder or "!" in found.folder:
        return found
    place = Path(found.folder)
    manifest = _manifest(place if place.is_dir() else place.parent)
    if manifest is None:
        return found
    origin = manifest.origin
    weights = [file for file in manifest.files if file.name.lower().endswith(_WEIGHTS)]
    mine = [file for file in weights if not place.is_file() or file.name == place.name]
    largest = max(mine, key=lambda file: file.size, default=None)
    return replace(
        found,
        name=origin.repository,
        reference=f"{origin.hub}:{origin.repository}@{origin.commit}",
        confidence=Confidence.HIGH,
        licence=found.licence or origin.licence,
        digest=found.digest or (f"sha256:{largest.sha256}" if largest else ""),
        detail="; ".join(part for part in (found.detail, f"a mirror of {manifest.first_at[:10]}") if part),
    )


def _manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a folder that names a hub and fits the files there."""
    try:
        manifest = read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
        fits = manifest is not None and all((folder / one.name).stat().st_size == one.size for one in manifest.files)
    except (WeighbridgeError, OSError):
        return None
    return manifest if fits and manifest is not None and manifest.origin.hub else None
