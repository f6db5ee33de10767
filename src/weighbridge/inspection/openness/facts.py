"""What the files of an artefact show of the things that openness frameworks ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.card import read_front_matter
from weighbridge.inspection.openness.frameworks import is_open_licence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds.openness import Basis, OpenState
    from weighbridge.inspection.folder import Folder

__all__ = ["Facts", "Permit", "has_card", "read_facts"]

_README = "README.md"
_CARD_BYTES = 1 << 20
_FEWEST_WORDS = 100
_WEIGHTS = re.compile(r".*\.(?:safetensors|gguf|onnx)|(?:.*/)?(?:pytorch_)?model[\w.-]*\.(?:bin|pt|pth)", re.IGNORECASE)
_ARXIV = re.compile(r"(?:https?://)?arxiv\.org/(?:abs|pdf)/\d{4}\.\d{4,5}", re.IGNORECASE)
_REPOSITORY = re.compile(r"https?://(?:www\.)?github\.com/[\w.-]{1,100}/[\w.-]{1,100}")
_RESULTS = re.compile(r"^#{1,4}[^\n]{0,60}\b(?:evaluation|benchmark|results|performance)", re.IGNORECASE | re.MULTILINE)
_TABLE = re.compile(r"^\|.*\d.*\|", re.MULTILINE)
_MOST = 64
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Permit:
    """What is known of the licence of the weights, by one list: its standing, how it is known, and in words."""

    state: OpenState
    basis: Basis
    because: str
    licence: str | None = None


@dataclass(slots=True)
class Facts:
    """What is there. Links are the publisher's, and nobody followed them."""

    weights: list[str] = field(default_factory=list)
    is_on_hub: bool = False
    is_gated: bool = False
    architecture: str | None = None
    shipped_code: list[str] = field(default_factory=list)
    card_words: int = 0
    has_results: bool = False
    papers: list[str] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    is_gguf: bool = False
    licences: list[dict[str, Any]] = field(default_factory=list)
    tag: str | None = None

    def permit(self, which: str) -> Permit:
        """Return how the licence of the weights stands to a list (osi, mof); a tag is never the licence."""
        bases = [one for one in self.licences if one["role"] == "base"]
        for one in bases:  # a base's terms hold for what is derived from it, whatever a file here says
            if one["licence"] and is_open_licence(one["licence"], which) is False:
                return Permit("closed", "claimed", f"{one['source']} is under {one['licence']}", one["licence"])
        texts = [one for one in self.licences if one["role"] == "weights" and one["basis"] == "text"]
        texts = [one for one in texts if one["verdict"] != "pointer"]
        if texts:
            return _by_text(texts, which)
        if self.tag is None:
            return Permit("unknown", "unknown", "no licence text and no tag")
        if (stands := is_open_licence(self.tag, which)) is None:
            return Permit(
                "unknown", "unknown", f"the tag `{self.tag}` names no licence, and no text was read", self.tag
            )
        if not stands:
            return Permit("closed", "claimed", f"the tag `{self.tag}` is no licence on this list", self.tag)
        said = f"the tag says `{self.tag}`, and no licence text lies with the files: a tag is never the licence"
        return Permit("unknown", "claimed", said, self.tag)


def _by_text(texts: list[dict[str, Any]], which: str) -> Permit:
    """Judge by texts that were read: each must be a named, unaltered licence on the list."""
    for one in texts:
        if one["licence"] and not is_open_licence(one["licence"], which):
            return Permit(
                "closed", "derived", f"`{one['source']}` is {one['licence']}, not on this list", one["licence"]
            )
    doubtful = [one for one in texts if not one["licence"] or one["verdict"] not in {"is", "revision"}]
    if doubtful:
        said = f"`{doubtful[0]['source']}` is {doubtful[0]['verdict']}: it has to be read by a human"
        return Permit("unknown", "unknown", said, doubtful[0]["licence"])
    names = ", ".join(sorted({one["licence"] for one in texts}))
    return Permit("open", "derived", f"the text of {names} lies with the files", names)


def read_facts(folder: Folder, stated: Iterable[Evidence]) -> Facts:
    """Collect what files and earlier evidence (card/v1, anatomy/v2, licence/v1) show; damage shows nothing."""
    bodies = {statement.kind: statement.body for statement in stated}
    card, anatomy, licence = (bodies.get(kind, {}) for kind in ("card/v1", "anatomy/v2", "licence/v1"))
    facts = Facts(
        weights=[name for name in folder.names if _WEIGHTS.fullmatch(name)],
        shipped_code=[name for name in folder.names if PurePosixPath(name).name.startswith("modeling_")],
        bases=list(card.get("base_models") or []),
        tag=card.get("licence"),
        is_gguf=anatomy.get("format") == "gguf",
        licences=list(licence.get("in_force") or []),
    )
    known = (anatomy.get("parameters") or {}).get("status") in {"exact", "estimated"}
    is_elsewhere = bool(folder.read_object("config.json", []).get("auto_map")) and not facts.shipped_code
    facts.architecture = anatomy.get("architecture") if known and not is_elsewhere else None
    if _README in folder:
        _read_card(folder, facts)
    return facts


def _read_card(folder: Folder, facts: Facts) -> None:
    """Read what the card links to and holds."""
    path = folder.path(_README)
    try:
        with BoundedFile(path) as file:
            text = file.read(0, _CARD_BYTES).decode("utf-8", "replace")
        front = read_front_matter(path) or {}
    except DamagedFile:
        return
    body = re.sub(r"\A---\r?\n.*?\n---", "", text, count=1, flags=re.DOTALL)
    facts.card_words = len(body.split())
    facts.is_gated = any(key.startswith("extra_gated") for key in front)
    facts.has_results = bool(front.get("model-index")) or bool(_RESULTS.search(body) and _TABLE.search(body))
    facts.papers = list(dict.fromkeys(found[0] for found in _ARXIV.finditer(body)))[:_MOST]
    facts.repositories = list(dict.fromkeys(found[0] for found in _REPOSITORY.finditer(body)))[:_MOST]
    said = front.get("datasets")
    names = said if isinstance(said, list) else [said]
    facts.datasets = [name[:_LONGEST] for name in names[:_MOST] if isinstance(name, str) and name]


def has_card(facts: Facts) -> bool:
    """Whether the card says more than a heading: at least 100 words."""
    return facts.card_words >= _FEWEST_WORDS
