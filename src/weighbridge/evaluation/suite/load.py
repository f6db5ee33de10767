"""Read a suite: its TOML, its rows from wherever they lie, its examples; and give all of it one digest."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from string import Template
from typing import TYPE_CHECKING, Any

from weighbridge import plugin
from weighbridge.core.digest import digest_of
from weighbridge.errors import SuiteError, did_you_mean
from weighbridge.evaluation.datasets.mapping import WORKED, map_files
from weighbridge.evaluation.datasets.needle import make_items
from weighbridge.evaluation.item import Item
from weighbridge.evaluation.scorers.reading.expected import expected_number
from weighbridge.evaluation.suite.file import Generation, read_suite_file
from weighbridge.evaluation.suite.native import read_items
from weighbridge.evaluation.suite.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from weighbridge.evaluation.datasets.layout import Layout
    from weighbridge.evaluation.suite.file import Shots, SuiteFile

__all__ = ["build_suite", "load_suite", "matching"]

_HEAD = "suite.toml"
_MOST_FILES = 2000
_MOST_SHOWN = 5


def load_suite(place: Path, data: Path | None = None) -> Suite:
    """Read a suite's folder or its TOML; `data` is the folder (or file) of the rows where they lie elsewhere.

    Raises SuiteError with the place of the first thing that is wrong.
    """
    toml = place if place.suffix == ".toml" else place / _HEAD
    return build_suite(read_suite_file(toml), toml, data)


def build_suite(file: SuiteFile, toml: Path, data: Path | None = None) -> Suite:
    """Read the rows that a suite's file describes; `toml` is its place, for errors and for what lies beside it."""
    forms = _forms(file, toml)
    _check_scorer(file, toml)
    notices = [f"`{file.suite.name}` is under {file.suite.licence}: {file.terms.say}"] if file.terms else []
    pool: dict[str, tuple[Item, ...]] = {}
    if file.data:
        items, pool, told = _from_tables(file, toml, data or toml.parent)
        notices += told
    elif file.needles is not None:
        items = _made(file, toml)
    else:
        folder = data or toml.parent
        place = (folder / file.suite.items).resolve()
        if not place.is_relative_to(folder.resolve()):
            raise SuiteError(f"`{toml}`: `items` leads out of the suite's folder")
        items = list(read_items(place))
    if file.shots is not None:
        items, pool = _examples(file.shots, items, pool, toml)
    _check_items(items, file, forms, toml)
    head, prompt = file.suite, file.prompt
    suite = Suite(
        name=head.name, version=head.version, title=head.title, measures=head.measures, language=head.language,
        licence=head.licence, source=head.source, scorer=head.scorer, chance=head.chance, max_tokens=head.max_tokens,
        forms=forms, prefix=prompt.prefix, system=prompt.system, items=tuple(items),
        digest="", shots=file.shots, examples=pool,
        generation=file.generation or Generation(), notices=tuple(notices),
    )  # fmt: skip
    ordered = _by_prefix(suite)
    return replace(suite, items=ordered, digest=_digest(file, ordered, pool, toml))


def _by_prefix(suite: Suite) -> tuple[Item, ...]:
    """Put together what shares its examples, in the order of first appearance; else the suite's own order stays."""
    if suite.shots is None:
        return suite.items
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in suite.items:
        groups.setdefault(suite.prefix_of(item), []).append(item)
    return tuple(chain.from_iterable(groups.values()))


def matching(folder: Path, globs: Sequence[str]) -> list[Path]:
    """Return the files of a folder that globs name, sorted, none outside of it; a file stands for itself."""
    if folder.is_file():
        return [folder]
    try:
        root = folder.resolve()
        found = {path for glob in globs for path in folder.glob(glob) if path.is_file()}
    except (OSError, ValueError) as error:
        raise SuiteError(f"`{folder}` cannot be read: {error}") from error
    outside = next((path for path in found if not path.resolve().is_relative_to(root)), None)
    if outside is not None:
        raise SuiteError(f"`{outside}` leads out of the folder of the data")
    if len(found) > _MOST_FILES:
        raise SuiteError(f"`{folder}` holds more than {_MOST_FILES} files of the suite")
    return sorted(found)


def _forms(file: SuiteFile, toml: Path) -> dict[str, str]:
    """Return the prompt forms, the preferred one first."""
    prompt, shots = file.prompt, file.shots
    given = {"completion": prompt.completion, "chat": prompt.chat}
    order = sorted(given, key=lambda name: name != prompt.prefer)
    forms = {name: text for name in order if (text := given[name]) is not None}
    if not forms:
        raise SuiteError(f"`{toml}` has no prompt form", hint="give `[prompt] chat = ...` or `completion = ...`")
    allowed: list[tuple[str, str, tuple[str, ...]]] = [
        (f"the `{name}` prompt", text, ("question", "choices")) for name, text in forms.items()
    ]
    if shots is not None:
        allowed += [("`shots.answer`", shots.answer, ("answer",)), ("`shots.header`", shots.header, ("group",))]
    for what, text, names in allowed:
        template = Template(text)
        if not template.is_valid() or set(template.get_identifiers()) - set(names):
            may = " and ".join(f"`${name}`" for name in names)
            raise SuiteError(f"`{toml}`: {what} may hold {may} only; write `$$` for a dollar")
    return forms


def _check_scorer(file: SuiteFile, toml: Path) -> None:
    """Refuse a scorer that is not installed."""
    head, known = file.suite, plugin.names("scorers")
    if head.measures != "latency/v1" and head.scorer not in known:
        hint = did_you_mean(head.scorer, known) or f"known: {', '.join(known)}"
        raise SuiteError(f"`{toml}` asks for the scorer `{head.scorer}`, which is not installed", hint=hint)


def _check_items(items: Sequence[Item], file: SuiteFile, forms: Mapping[str, str], toml: Path) -> None:
    """Refuse a prompt that asks the same of items that differ, and answers that the scorer cannot hold anything to."""
    questions = len({item.question for item in items})
    for name, text in forms.items():
        used = set(Template(text).get_identifiers())
        asked = len({item.choices for item in items}) if "choices" in used else 1
        if "question" not in used and asked < questions:
            raise SuiteError(
                f"`{toml}`: the `{name}` prompt does not hold `$question`: {questions} questions would all ask the same"
            )
    if file.suite.scorer == "number":
        lost = [item for item in items if expected_number(item.answer) is None]
        if lost:
            shown = ", ".join(f"`{item.id}`: `{item.answer[:40]}`" for item in lost[:_MOST_SHOWN])
            raise SuiteError(
                f"`{toml}`: the scorer `number` needs a number for an answer, and {len(lost)} items have none: {shown}",
                hint="for other answers there are `exact` and `contains`",
            )


def _made(file: SuiteFile, toml: Path) -> list[Item]:
    assert file.needles is not None  # noqa: S101 - for mypy: the caller looked
    try:
        return make_items(file.needles)
    except ValueError as error:
        raise SuiteError(f"`{toml}`: `needles` ask for {error}") from error


def _from_tables(
    file: SuiteFile, toml: Path, folder: Path
) -> tuple[list[Item], dict[str, tuple[Item, ...]], list[str]]:
    """Return the items of the first layout that the folder has, the rows for examples, and what the user must know."""
    for layout in file.data:
        if paths := matching(folder, layout.files):
            break
    else:
        wanted = " or ".join(f"`{layout.files[0]}`" for layout in file.data)
        raise SuiteError(
            f"`{folder}` holds no data of `{file.suite.name}`: no file is named like {wanted}", hint=file.get or None
        )
    shots = file.shots
    mapped = map_files(paths, layout, with_worked=shots is not None and shots.split == "items")
    if not mapped.items:
        raise SuiteError(f"`{paths[0]}` holds no items" + (": all rows were left out" if mapped.rows else ""))
    left = mapped.rows - len(mapped.items)
    notices = []
    if left:
        why = ", ".join(f"{count} ({reason})" for reason, count in sorted(mapped.left_out.items()))
        notices.append(f"`{file.suite.name}` keeps {len(mapped.items)} of {mapped.rows} rows and leaves out {why}")
    pool: dict[str, tuple[Item, ...]] = {}
    if shots is not None and shots.split not in {"rows", "items"}:
        pool = _split(file.suite.name, shots, layout, folder, toml)
    return mapped.items, pool, notices


def _split(name: str, shots: Shots, layout: Layout, folder: Path, toml: Path) -> dict[str, tuple[Item, ...]]:
    """Return the rows of another split, by group."""
    if shots.split not in layout.splits:
        raise SuiteError(
            f"`{toml}` takes its examples from the split `{shots.split}`, which its `[data.splits]` do not name"
        )
    split = layout.splits[shots.split]
    paths = matching(folder, split.files) if folder.is_dir() else []
    if not paths:
        raise SuiteError(
            f"`{name}` takes its {shots.k} examples from the split `{shots.split}`, "
            f"and `{folder}` has no `{split.files[0]}`",
            hint="put that split beside the data; scores without the examples are another measurement",
        )
    there = layout if split.where is None else layout.model_copy(update={"where": split.where})
    return _grouped(map_files(paths, there, with_worked=True).items, shots)


def _grouped(rows: Sequence[Item], shots: Shots) -> dict[str, tuple[Item, ...]]:
    """Keep the first k rows of each group and one more, which stands in where an example is the question itself."""
    pool: dict[str, list[Item]] = {}
    for row in rows:
        pool.setdefault(row.group if shots.by_group else "", []).append(row)
    return {group: tuple(found[: shots.k + 1]) for group, found in pool.items()}


def _examples(
    shots: Shots, items: list[Item], pool: dict[str, tuple[Item, ...]], toml: Path
) -> tuple[list[Item], dict[str, tuple[Item, ...]]]:
    """Return the questions to ask, and the examples by group; refuses a group that has too few."""
    if shots.split == "rows":
        rows = [
            Item(f"example-{number}", row.question, tuple(row.choices), row.answer, row.group, {WORKED: row.worked})
            for number, row in enumerate(shots.rows, 1)
        ]
        pool = _grouped(rows, shots)
    elif shots.split == "items":
        pool, items = _set_apart(shots, items)
        if not items:
            raise SuiteError(f"`{toml}`: all items are examples, and none is left to ask")
    short = next((item for item in items if len(pool.get(item.group if shots.by_group else "", ())) < shots.k), None)
    if short is not None:
        where = f" for the group `{short.group}`" if shots.by_group else ""
        raise SuiteError(f"`{toml}` wants {shots.k} examples, and there are fewer{where}")
    return items, pool


def _set_apart(shots: Shots, items: list[Item]) -> tuple[dict[str, tuple[Item, ...]], list[Item]]:
    """Take the first k items (of each group) as examples: those are not asked."""
    pool: dict[str, list[Item]] = {}
    asked: list[Item] = []
    for item in items:
        found = pool.setdefault(item.group if shots.by_group else "", [])
        (found if len(found) < shots.k else asked).append(item)
    return {group: tuple(found) for group, found in pool.items()}, asked


def _digest(file: SuiteFile, items: Sequence[Item], pool: dict[str, tuple[Item, ...]], toml: Path) -> str:
    """Return the digest of all that is asked and how it is marked."""
    content: dict[str, Any] = {"suite": file.content(), "items": [_row(item) for item in items]}
    if pool:
        content["examples"] = {group: [_row(one) for one in found] for group, found in pool.items()}
    try:
        return digest_of(content)
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"`{toml}`: an item holds a number or a text that JSON cannot carry: {error}") from error


def _row(item: Item) -> list[Any]:
    row: list[Any] = [item.id, item.question, list(item.choices), item.answer, item.group]
    return [*row, item.data] if item.data else row
