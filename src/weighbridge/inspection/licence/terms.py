"""The knowledge base of terms: one TOML file a licence, every answer with the clause behind it.

A user's own folder of such files comes before ours: `weighbridge licence --base DIR`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weighbridge.core.kinds.licence import GateBody, TermBody
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLUMNS", "Licence", "known", "licence_of"]

COLUMNS = (
    "commercial_use", "commercial_conditions", "mau_threshold", "revenue_threshold", "threshold_test",
    "territory_limits", "field_of_use_limits", "display_duty", "derivative_naming", "outputs_train_other_models",
    "redistribution", "hosting_as_service", "notice_obligations", "patent", "litigation_termination", "indemnity",
    "governing_law", "jurisdiction", "aup_incorporated", "licensor_can_change_or_revoke", "osi_approved",
    "points_for_a_human",
)  # fmt: skip
_OURS = Path(__file__).parent / "knowledge"
_ID = re.compile(r"[a-z0-9][a-z0-9.:+_-]{0,99}")
_MOST_BYTES = 1 << 20


class _Table(BaseModel):
    """A table of a file refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _TermForm(_Table):
    value: str
    clause: str = ""
    quotes: list[str] = []


class _LicenceForm(_Table):
    """One file of the base."""

    name: str
    licensor: str
    version_date: str = ""
    verified_on: str = Field(description="Day on which the terms were read against the text")
    source: str
    like: str | None = Field(default=None, description="Id of a licence with the same terms but for those given here")
    terms: dict[str, _TermForm] = {}
    gates: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """What the base knows of one licence: an answer for every column of the terms, and the clauses to judge by."""

    id: str
    name: str
    licensor: str
    version_date: str
    verified_on: str
    source: str
    terms: Mapping[str, TermBody]
    gates: tuple[GateBody, ...]


def known(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of all licences whose terms are known, a user's own folder included."""
    folders = [_OURS, *([folder] if folder else [])]
    return tuple(sorted({path.stem.replace("_", ":") for one in folders for path in one.glob("*.toml")}))


@cache
def licence_of(licence_id: str, folder: Path | None = None) -> Licence | None:
    """Return the terms of a licence, or None where they are not known; a user's folder comes first.

    Raises UsageError for a file that cannot be read as such terms.
    """
    if not _ID.fullmatch(licence_id):
        return None
    name = licence_id.replace(":", "_") + ".toml"
    path = next((one / name for one in (folder, _OURS) if one is not None and (one / name).is_file()), None)
    if path is None:
        return None
    form = _form(path)
    if form.like and form.like != licence_id:
        base = licence_of(form.like, folder)
    else:  # a user's file changes what it says of a licence of ours, and leaves the rest
        base = licence_of(licence_id) if folder is not None and path.parent == folder else None
    if form.like and base is None:
        raise UsageError(f"`{path}`: `like` names `{form.like}`, whose terms are not known")
    terms = dict(base.terms) if base else {}
    for column, term in form.terms.items():
        terms[column] = TermBody(value=term.value, clause=term.clause, quotes=term.quotes, licence=licence_id)
    unsaid = TermBody(value=None, reason="the base does not say it")
    terms = {column: terms.get(column, unsaid).model_copy(update={"licence": licence_id}) for column in COLUMNS}
    return Licence(
        licence_id, form.name, form.licensor, form.version_date, form.verified_on, form.source, terms,
        _gates(form, licence_id, terms, base, path),
    )  # fmt: skip


def _form(path: Path) -> _LicenceForm:
    """Read one file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"`{path}` is larger than 1 MiB")
        form = _LicenceForm.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"`{path}`: `{place}`: {first['msg'].lower()}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"`{path}` cannot be read: {error}") from error
    if unknown := sorted(set(form.terms) - set(COLUMNS)):
        raise UsageError(f"`{path}`: there is no term `{unknown[0]}`")
    return form


def _gates(
    form: _LicenceForm, licence_id: str, terms: Mapping[str, TermBody], base: Licence | None, path: Path
) -> tuple[GateBody, ...]:
    """Build the clauses; clause and quotation are those of the term where none are given."""
    if form.gates is None:
        given = [gate.model_dump(exclude={"clause", "quote"}) for gate in base.gates] if base else []
    else:
        given = form.gates
    gates = []
    for entry in given:
        term = terms.get(str(entry.get("term")), TermBody())
        words = {"clause": term.clause, "quote": term.quotes[0] if term.quotes else ""}
        try:
            gates.append(GateBody.model_validate({**words, **entry, "licence": licence_id, "licensor": form.licensor}))
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"`{path}`: gate `{entry.get('says', '?')}`: {first['msg'].lower()}") from error
    return tuple(gates)
