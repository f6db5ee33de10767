"""What a search finds, before anybody says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from weighbridge.core.finding import Confidence

__all__ = ["Found", "Unsearched", "Way"]

Way = Literal["weights", "cache", "code", "configuration", "bill", "endpoint", "list"]


@dataclass(frozen=True, slots=True)
class Found:
    """One trace of a model.

    `place` is a path (with `!member` inside an archive, `:line` in a text) or an address. `reference` is a hub
    reference with its revision where the trace names one (`hf:Qwen/Qwen3-8B@commit`), "" where only files were seen.
    `name` is what the trace calls it. `folder` is a folder or file that `weighbridge inspect` can read, "" where there
    is none. `bases` are bases that the files state; `architecture`, `licence` what they say, "" where they do not.
    `digest` names the weights where it is cheap to know (the name of a blob in a cache).
    """

    way: Way
    place: str
    name: str
    confidence: Confidence
    reference: str = ""
    folder: str = ""
    bases: tuple[str, ...] = ()
    architecture: str = ""
    licence: str = ""
    digest: str = ""
    n_bytes: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unsearched:
    """A place that was seen and not read, and why: a proof of absence ends here."""

    place: str
    reason: str
