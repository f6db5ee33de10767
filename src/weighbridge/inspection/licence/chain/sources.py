"""Where licences come from: the texts, the tag, the base models and the data sets of one artefact, each read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from weighbridge.core.kinds.licence import DifferenceBody, ForceBody, GateBody
from weighbridge.inspection.licence.chain.families import dataset_named, family_named, licences_of_tag
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.reading import Reading, read_text
from weighbridge.inspection.licence.terms import licence_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.core.kinds.licence import Basis
    from weighbridge.inspection.licence.identity import Identity

__all__ = ["Given", "Source", "Text", "sources_of"]

Role = Literal["weights", "code", "policy", "base", "dataset", "tag"]

_MOST_DIFFERENCES = 50
_MOST_NAMES = 64


@dataclass(frozen=True, slots=True)
class Text:
    """One licence file: its name in the folder, its words, and what it is where that was found out before."""

    name: str
    words: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What is said of licences around one artefact. `bases` and `datasets` are declared, `clues` are other names."""

    name: str
    texts: tuple[Text, ...] = ()
    tag: str | None = None
    tag_name: str | None = None
    bases: tuple[str, ...] = ()
    clues: tuple[tuple[str, str], ...] = ()  # where it stands, and the name
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One source: how it bears on the artefact, and what it says. `text` is its text, "" where there is none."""

    force: ForceBody
    reading: Reading
    text: str = ""

    @property
    def licence(self) -> str | None:
        """Id of the licence, None where it cannot be named."""
        return self.force.licence


def sources_of(given: Given, base: Path | None = None) -> list[Source]:
    """Return every source: texts first, then the tag, base models and data sets."""
    found = [_of_text(text, given.texts, base) for text in given.texts if not _is_notice(text.name)]
    found += _of_tag(given, base)
    known = {source.licence for source in found if source.force.role == "weights"}
    for source in _of_bases(given, base):
        is_told = source.licence is not None and any(source.licence == other.licence for other in found
                                                     if other.force.role == "base")  # fmt: skip
        if not is_told:
            gates = [] if source.licence in known else source.reading.gates
            found.append(replace(source, reading=replace(source.reading, gates=gates)))
    return found + _of_datasets(given)


def _of_text(text: Text, texts: tuple[Text, ...], base: Path | None) -> Source:
    """Identify and read one file."""
    identity = text.identity or identify(text.words)
    reading = read_text(text.words, identity, text.name, base)
    role = _role(text.name, [other.name for other in texts])
    licence = reading.licence
    if licence is not None and str(licence.terms["commercial_use"].value).startswith("policy"):
        role = "policy"
        reading = replace(reading, gates=[gate for gate in reading.gates if gate.term != "commercial_use"])
    return Source(_force(text.name, role, "text", identity, reading), reading, text.words)


def _role(name: str, names: list[str]) -> Role:
    """Tell what a file covers by its name: a folder below the top, or `CODE` beside another file, is about code."""
    folder, _, plain = name.lower().rpartition("/")
    if "policy" in plain:
        return "policy"
    others = [other.lower() for other in names if other != name]
    has_model_file = any("model" in other.rpartition("/")[2] for other in others)
    is_code = "code" in plain or (has_model_file and "model" not in plain)
    return "code" if folder not in {"", "license", "licence", "licenses", "licences"} or is_code else "weights"


def _is_notice(name: str) -> bool:
    """Whether a file is a notice or a list of others' licences, which is in force for its own parts only."""
    plain = name.lower().rpartition("/")[2]
    return "notice" in plain or "third" in plain


def _of_tag(given: Given, base: Path | None) -> Iterator[Source]:
    """Yield what the tag stands for; it counts for the terms only where no text covers the weights."""
    if given.tag is None and given.tag_name is None:
        return
    said = " ".join(part for part in (given.tag, given.tag_name and f"({given.tag_name})") if part)
    ids = licences_of_tag(given.tag, given.tag_name)
    yield from (_declared(f"tag {said}", "tag", "declared", one, base) for one in ids or (None,))


def _of_bases(given: Given, base: Path | None) -> Iterator[Source]:
    """Yield the licence of every base model: declared ones, then those that other names show."""
    for name in given.bases[:_MOST_NAMES]:
        family = family_named(name)
        source = f"base model {name}"
        yield _declared(source, "base", "known family", family.licence if family else None, base)
    for place, name in given.clues[:_MOST_NAMES]:
        if family := family_named(name):
            yield _declared(f"{family.name}, by {place} {name}", "base", "known family", family.licence, base)


def _of_datasets(given: Given) -> list[Source]:
    """Ask about data sets whose licence is known to be restricted; whether it binds weights is for a human."""
    found = []
    for name in given.datasets[:_MOST_NAMES]:
        family = dataset_named(name)
        gates = []
        if family is not None:
            says = f"the data set {name} carries {family.licence} ({family.source}): does that bind the weights?"
            gates.append(GateBody(term="points_for_a_human", effect="ask", says=says, source=f"data set {name}"))
        force = ForceBody(
            source=f"data set {name}", role="dataset", basis="known family" if family else "declared",
            licence=family.licence if family else None,
        )  # fmt: skip
        found.append(Source(force, Reading({}, gates)))
    return found


def _declared(source: str, role: Role, basis: Basis, licence_id: str | None, base: Path | None) -> Source:
    """Take the terms of a licence that somebody names, without its text."""
    licence = licence_of(licence_id, base) if licence_id else None
    if licence is None:
        what = f"`{licence_id}`, whose terms are not in the base" if licence_id else "not known here"
        says = f"the licence of {source} is {what}: read it"
        gate = GateBody(term="points_for_a_human", effect="ask", says=says, source=source)
        reading = Reading({}, [gate])
    else:
        terms = {column: term.model_copy(update={"source": source}) for column, term in licence.terms.items()}
        reading = Reading(terms, [gate.model_copy(update={"source": source}) for gate in licence.gates], licence)
    force = ForceBody(
        source=source, role=role, basis=basis, licence=licence_id, name=licence.name if licence else None,
        verified_on=licence.verified_on if licence else None,
    )  # fmt: skip
    return Source(force, reading)


def _force(name: str, role: Role, basis: Basis, identity: Identity, reading: Reading) -> ForceBody:
    """State how a text stands to the references."""
    licence = reading.licence
    return ForceBody(
        source=name, role=role, basis=basis, licence=identity.licence_id, name=licence.name if licence else None,
        verdict=identity.verdict.value, revision=identity.revision, nearest=identity.nearest,
        differences=[
            DifferenceBody(kind=one.kind.value, text=one.text, reference=one.reference, material=one.is_material)
            for one in identity.differences[:_MOST_DIFFERENCES] if one.is_material
        ],
        verified_on=licence.verified_on if licence else None,
    )  # fmt: skip
