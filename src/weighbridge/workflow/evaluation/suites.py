"""Suites: what there is, what one of them asks, and how the data of a recipe come to this machine."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import EngineIdentity
from weighbridge.errors import NotFound, SuiteError, UsageError, did_you_mean
from weighbridge.evaluation.plan import Asked, forms_of, make_plan
from weighbridge.evaluation.suite import find_suite, load_suite, shipped_recipes, shipped_suites
from weighbridge.evaluation.suite.file import read_suite_file
from weighbridge.evaluation.suite.load import matching
from weighbridge.evaluation.suite.shelf import Copy, Shelf
from weighbridge.hub.datasets import DataSet, fetch_files
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from weighbridge.evaluation.suite import Suite
    from weighbridge.evaluation.suite.file import SuiteFile
    from weighbridge.hub.remote.settings import RemoteSettings

__all__ = ["Listed", "add_copy", "check_suite", "describe", "fetch_copy", "list_suites"]

_MOST_SHOWN = 20
_FEW = 30  # items; below that an interval says little


@dataclass(frozen=True, slots=True)
class Listed:
    """One suite as it is listed; `state` is "ships", "here" (with the folder), or "no data"."""

    name: str
    title: str
    licence: str
    state: str
    folder: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)


def list_suites(shelf: Shelf) -> list[Listed]:
    """Return the suites that ship, and the recipes with what is known of their data."""
    found = []
    for name, folder in shipped_suites().items():
        head = read_suite_file(folder / "suite.toml").suite
        found.append(Listed(name, head.title, head.licence, "ships"))
    for name, toml in shipped_recipes().items():
        head, copy = read_suite_file(toml).suite, shelf.find(name)
        state, place = ("here", str(copy.folder)) if copy else ("no data", "")
        found.append(Listed(name, head.title, head.licence, state, place))
    return found


def describe(name: str, data: Path | None, shelf: Shelf) -> dict[str, Any]:
    """Return all that is asked of a model, as JSON values; of a recipe without data what stands in the recipe."""
    recipes = shipped_recipes()
    if name in recipes and data is None and shelf.find(name) is None:
        file = read_suite_file(recipes[name])
        return {**_words(file), "questions": None, "digest": None, "get": file.get, "notices": _terms(file)}
    suite = find_suite(name, data, shelf=shelf)
    return {
        "suite": _head(suite),
        "forms": dict(suite.forms),
        "system": suite.system,
        "shots": suite.shots.model_dump(exclude={"rows"}) if suite.shots else None,
        "generation": suite.generation.model_dump(),
        "reads_distribution": suite.reads_distribution,
        "questions": len(suite.items),
        "groups": dict(Counter(item.group for item in suite.items)),
        "digest": suite.digest,
        "notices": list(suite.notices),
        "first_request": _first_request(suite),
    }


def _head(suite: Suite) -> dict[str, Any]:
    names = ("name", "version", "title", "measures", "language", "licence", "source", "scorer", "chance", "max_tokens")
    return {name: getattr(suite, name) for name in names}


def _words(file: SuiteFile) -> dict[str, Any]:
    """Return what a recipe says without its data, in the shape of `describe`."""
    prompt = file.prompt
    both = {"completion": prompt.completion, "chat": prompt.chat}
    return {
        "suite": file.suite.model_dump(exclude={"items"}),
        "forms": {name: text for name, text in both.items() if text is not None},
        "system": prompt.system,
        "shots": file.shots.model_dump(exclude={"rows"}) if file.shots else None,
        "generation": file.generation.model_dump() if file.generation else None,
    }


def _terms(file: SuiteFile) -> list[str]:
    return [f"`{file.suite.name}` is under {file.suite.licence}: {file.terms.say}"] if file.terms else []


def _first_request(suite: Suite) -> dict[str, Any]:
    """Return the first request of the preferred form, as an engine gets it."""
    plan = make_plan(suite, "", EngineIdentity("none", "none"), forms_of(suite)[0], asked=Asked(limit=1))
    return {**plan.requests[0].to_json(), "answer": plan.items[0].answer}


def add_copy(name: str, folder: Path, shelf: Shelf, on: date, *, source: str = "") -> tuple[Suite, Copy]:
    """Remember where the data of a recipe lie, after reading all of them; they stay where they are.

    Raises SuiteError for data that are not the recipe's. The note keeps the digest: data that change later are refused.
    """
    toml = _recipe(name)
    if not folder.exists():
        raise NotFound(f"there is no `{folder}`", hint=read_suite_file(toml).get or None)
    where = folder.resolve()
    suite = load_suite(toml, where)
    note = Copy(where, suite.digest, suite.licence, source or str(where), on.isoformat(), _digests(toml, where))
    write_whole(shelf.note(name), shelf.text(note))
    return suite, note


def _digests(toml: Path, folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that the recipe reads, by their names in the folder."""
    for layout in read_suite_file(toml).data:
        if paths := matching(folder, layout.files):
            splits = [path for split in layout.splits.values() for path in matching(folder, split.files)]
            root = folder if folder.is_dir() else folder.parent
            every = sorted({*paths, *splits})
            return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in every}
    return {}


def fetch_copy(
    name: str, accepted: str | None, shelf: Shelf, on: date, settings: RemoteSettings | None = None
) -> tuple[Suite, Copy]:
    """Fetch the data of a recipe at its commit, keep them on the shelf, and add them.

    Raises UsageError until the licence is accepted by its name, or where the data may only be a copy of the user's own.
    """
    file = read_suite_file(_recipe(name))
    licence, spec = file.suite.licence, file.fetch
    if spec is None:
        raise UsageError(
            f"`{name}` ({licence}) is not fetched by Weighbridge",
            hint=f"get it yourself: {file.get}; then `weighbridge suites add {name} FOLDER`",
        )
    if (accepted or "").strip().casefold() != licence.casefold():
        said = f"`{accepted}` is not its licence: " if accepted else ""
        raise UsageError(
            f"{said}`{name}` is {file.suite.source}, under {licence}, from {spec.repository}",
            hint=f"if you accept that licence: `weighbridge suites fetch {name} --accept {shlex.quote(licence)}`",
        )
    folder = shelf.folder / name / spec.commit
    wanted = {source[0]: source[1] if len(source) > 1 else None for source in spec.files.values()}
    names = {source[0]: here for here, source in spec.files.items()}
    for path, data, _ in fetch_files(DataSet(spec.hub, spec.repository, spec.commit), wanted, settings):
        write_whole(folder / names[path], data)
    return add_copy(name, folder, shelf, on, source=f"{spec.hub}:{spec.repository}@{spec.commit}")


def _recipe(name: str) -> Path:
    recipes = shipped_recipes()
    if name not in recipes:
        hint = did_you_mean(name, recipes) or f"recipes: {', '.join(f'`{one}`' for one in recipes)}"
        ships = name in shipped_suites()
        raise NotFound(f"`{name}` ships with its questions" if ships else f"there is no recipe `{name}`", hint=hint)
    return recipes[name]


def check_suite(name: str, data: Path | None, shelf: Shelf) -> tuple[Suite, list[str]]:
    """Read a suite whole, and return what a careful reader would ask about it; raises SuiteError for what is wrong."""
    suite = find_suite(name, data, shelf=shelf)
    remarks = [*_doubles(suite), *_letters(suite)]
    if suite.licence == "not stated":
        remarks.append("no licence is stated: say under which the questions may be used")
    if len(suite.items) < _FEW:
        remarks.append(f"{len(suite.items)} questions give wide intervals: a hundred and more tell models apart")
    copy = shelf.find(name) if data is None and name in shipped_recipes() else None
    if copy is not None:
        remarks += _changed_files(copy.folder, copy.files)
    return suite, remarks


def _doubles(suite: Suite) -> list[str]:
    """Name questions that stand twice, and choices that do."""
    counts = Counter((item.question, item.choices) for item in suite.items)
    twice = [item.id for item in suite.items if counts[item.question, item.choices] > 1]
    same = [item.id for item in suite.items if len(set(item.choices)) < len(item.choices)]
    rows = (("questions stand more than once", twice), ("questions have two choices alike", same))
    return [f"{len(ids)} {what}: {_few(ids)}" for what, ids in rows if ids]


def _letters(suite: Suite) -> list[str]:
    """Say where one letter is right too often: a model that always says it would look able."""
    right = Counter(item.answer for item in suite.items if item.choices)
    total = sum(right.values())
    if total < _FEW:
        return []
    letter, count = right.most_common(1)[0]
    fair = sum(1 for item in suite.items if item.choices) * suite.chance
    return [f"`{letter}` is right for {count} of {total} questions"] if count > 2 * fair > 0 else []


def _changed_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    root = folder if folder.is_dir() else folder.parent
    found = []
    for name, sha256 in files.items():
        try:
            is_same = hashlib.sha256((root / name).read_bytes()).hexdigest() == sha256
        except OSError as error:
            raise SuiteError(f"`{root / name}` cannot be read: {error.strerror}") from error
        if not is_same:
            found.append(name)
    return [f"{len(found)} files are not as they were added: {_few(found)}"] if found else []


def _few(names: list[str]) -> str:
    return ", ".join(names[:_MOST_SHOWN]) + (" ..." if len(names) > _MOST_SHOWN else "")
