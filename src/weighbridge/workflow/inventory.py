"""Inventory: which models are in there, where each comes from, and whether anything is there that may not be."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from weighbridge.core.digest import digest_of
from weighbridge.core.finding import Confidence
from weighbridge.core.progress import Progress, silent
from weighbridge.engine.limits import Limits
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.inventory.absence import Absence, Root, judge_absence
from weighbridge.inventory.bounds import Bounds
from weighbridge.inventory.denial import parse_denial
from weighbridge.inventory.endpoint.ask import ask_endpoint
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.licence_files import licence_texts
from weighbridge.inventory.listed import models_in, read_list
from weighbridge.inventory.merge import Seen
from weighbridge.inventory.mirrored import named_by_mirror
from weighbridge.inventory.resolve import resolve_all
from weighbridge.inventory.search import Search
from weighbridge.inventory.summary import summary_of
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.evaluation.engines import engine_at
from weighbridge.workflow.standing import standings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from weighbridge.inventory.denial import Denial
    from weighbridge.inventory.origin.chain import HubLookup
    from weighbridge.inventory.row import Model
    from weighbridge.knowledge.protocol import Known
    from weighbridge.workflow.workspace import Workspace

__all__ = ["Inventory", "Wanted", "take_inventory"]

_LIMITS = Limits(in_flight=4, timeout_s=10.0, attempts=2)
_SCHEMES = ("http://", "https://")
_PATHS = ("/", "./", "../")
_LISTS = (".txt", ".list", ".lst", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: places (`-` with its text in `listed`), what may not be there, and whom to ask.

    `knowledge` is a folder of the user's own tables, `key` goes to endpoints alone; with `packages` the texts of
    installed packages are read too.
    """

    places: tuple[str, ...]
    on: date
    denials: tuple[str, ...] = ()
    listed: str = ""
    is_online: bool = False
    packages: bool = False
    knowledge: Path | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found on one day. `troubles` are references that a hub did not answer for, and why."""

    models: tuple[Model, ...]
    unsearched: tuple[Unsearched, ...]
    roots: tuple[Root, ...]
    denials: tuple[Denial, ...]
    absence: Absence
    on: date
    is_online: bool
    troubles: Mapping[str, str]

    @property
    def unresolved(self) -> tuple[Model, ...]:
        """Models whose origin is not known to the root."""
        return tuple(model for model in self.models if not model.is_resolved)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values; `digest` names all of it."""
        content: dict[str, Any] = {
            "on": self.on.isoformat(),
            "online": self.is_online,
            "summary": summary_of(self.models),
            "models": [model.to_json() for model in self.models],
            "unresolved": [{"reference": one.reference, "why": list(one.chain.open_ends)} for one in self.unresolved],
            "unsearched": [{"place": one.place, "reason": one.reason} for one in self.unsearched],
            "denied": self.absence.denied_json(),
            "not_excluded": self.absence.possible_json(),
            "absence": {
                "outcome": self.absence.outcome,
                "claim": self.absence.claim,
                "denials": [one.text for one in self.denials],
                "searched": [
                    {"place": one.place, "kind": one.kind, "files": one.files, "folders": one.folders,
                     "bytes_read": one.n_bytes, "archives": one.archives, "skipped": dict(one.skipped)}
                    for one in self.roots
                ],
                "limits": list(self.absence.limits),
            },
            "troubles": dict(self.troubles),
        }  # fmt: skip
        return {**content, "digest": digest_of(content)}


def take_inventory(wanted: Wanted, *, workspace: Workspace | None = None, progress: Progress = silent) -> Inventory:
    """Search every place, resolve what is found, and hold it against what is denied.

    Raises NotFound for a place that is not there, UsageError for a denial or a list that cannot be read.
    """
    known = load_knowledge(wanted.knowledge)
    denials = tuple(parse_denial(text, known) for text in wanted.denials)
    roots: list[Root] = []
    seen: list[Seen] = []
    unsearched: list[Unsearched] = []
    for place in _expanded(wanted, unsearched, roots):
        for one in _look(place, known, wanted, roots, progress):
            if isinstance(one, Unsearched):
                unsearched.append(one)
            else:
                seen.append(one)
    with ExitStack() as stack:
        hubs = _hubs(stack, {one.found.reference.partition(":")[0] for one in seen}) if wanted.is_online else {}
        with progress("origins", len(seen), "traces", at_most=True) as advance:
            models, troubles = resolve_all(
                seen, known, hubs=hubs, texts=licence_texts, state=standings(workspace, wanted.on), advance=advance
            )
    ordered = tuple(sorted(models, key=lambda model: (model.reference.lower(), model.name)))
    absence = judge_absence(denials, ordered, unsearched, roots)
    return Inventory(
        ordered, tuple(unsearched), tuple(roots), denials, absence, wanted.on, bool(hubs), troubles
    )  # fmt: skip


def _hubs(stack: ExitStack, kinds: set[str]) -> dict[str, HubLookup]:
    """Open the catalogues that are needed; raises HubUnreachable where Weighbridge is told to stay offline."""
    lookups: dict[str, HubLookup] = {"hf": stack.enter_context(open_catalogue("hf"))}
    if "ms" in kinds:
        lookups["ms"] = stack.enter_context(open_catalogue("ms"))
    return lookups


def _expanded(wanted: Wanted, unsearched: list[Unsearched], roots: list[Root]) -> Iterator[str | Found]:
    """Yield the places, with those of lists in their stead."""
    for place in wanted.places:
        path = Path(place)
        if place == "-":
            entries = models_in(wanted.listed, "standard input")
        elif not place.startswith(_SCHEMES) and path.suffix.lower() in _LISTS and path.is_file():
            entries = read_list(path)
        else:
            yield place
            continue
        roots.append(Root(place, "list", files=1))
        for entry in entries:
            if isinstance(entry, Unsearched):
                unsearched.append(entry)
            elif entry.reference or not entry.name.startswith((*_SCHEMES, *_PATHS)):
                yield entry
            elif entry.name.startswith(_SCHEMES) or Path(entry.name).exists():
                yield entry.name
            else:
                unsearched.append(Unsearched(entry.name, f"{entry.place} names it, and it is not there"))


def _look(
    place: str | Found, known: Known, wanted: Wanted, roots: list[Root], progress: Progress
) -> Iterator[Seen | Unsearched]:
    """Yield what one place shows; a reference stands for itself."""
    if isinstance(place, Found):
        yield Seen(place)
        return
    if place.startswith(_SCHEMES):
        address, _, model = place.partition("#")
        parts = urlsplit(address)
        if "@" in parts.netloc:
            raise UsageError(
                "an address must not carry a user name or password", hint="put the key into `WEIGHBRIDGE_API_KEY`"
            )
        shown = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))  # a query may hold a key
        roots.append(Root(shown, "endpoint"))
        yield from ask_endpoint(engine_at(address, model, key=wanted.key, limits=_LIMITS), shown, known, only=model)
        return
    if place.startswith(("hf:", "ms:")):
        roots.append(Root(place, "list", files=0))
        yield Seen(Found("list", place, place, Confidence.HIGH, reference=place))
        return
    if "\0" in place:
        raise UsageError(f"{quote(place)} is no place", hint="name a folder, a file, an endpoint or `-`")
    search = Search(Path(place), known, bounds=Bounds(packages=wanted.packages), progress=progress)
    for one in search:
        yield one if isinstance(one, Unsearched) else Seen(named_by_mirror(one))
    looked = search.looked
    kind = "folder" if Path(place).is_dir() else "file"
    roots.append(
        Root(place, "folder" if kind == "folder" else "file", looked.files or (kind == "file"), looked.folders,
             looked.n_bytes, looked.archives, looked.skipped)
    )  # fmt: skip
