"""`[data]` of a suite: where rows lie, and which column is what. A description only; nothing in it is run."""

from __future__ import annotations

import re
from string import Template
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from weighbridge.evaluation.datasets.table import Dialect

__all__ = ["Answer", "Cell", "Choices", "Filled", "Group", "ItemMap", "Layout", "Split"]

Word = Annotated[str, Field(min_length=1, max_length=400)]
Encoding = Literal["utf-8", "utf-16", "cp1252", "gb18030", "latin-1", "mac-roman"]
Format = Literal["", "jsonl", "json", "csv", "tsv", "parquet"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


Words = Annotated[list[Word], BeforeValidator(_as_list), Field(min_length=1, max_length=200)]


class Filled(Template):
    """A template over columns: `${Best Answer}`, `$question`; a column's name may hold blanks."""

    idpattern = r"[A-Za-z_][A-Za-z_0-9]*"
    braceidpattern = r"[^{}$]{1,200}"
    flags = re.VERBOSE  # names keep their case


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Bounds(_Strict):
    """Numbers from `min` to `max`, both included."""

    min: float | None = None
    max: float | None = None


Condition = Bounds | str | bool | float | list[str | float]


class Answer(_Strict):
    """One way to find the answer: a column, or the part of it `after` the last and `before` the next of two marks.

    `as` says how it names a choice: "letter" (A), "index" (from 0), "number" (from 1), "text" (as the choice is
    written); without choices it is the answer's text. Where `when` does not hold, the next way is tried.
    """

    column: Word
    after: str = ""
    before: str = ""
    as_: Annotated[
        list[Literal["letter", "index", "number", "text"]],
        BeforeValidator(_as_list),
        Field(alias="as", min_length=1),
    ] = ["letter"]
    when: dict[Word, Condition] = {}


class Choices(_Strict):
    """Choices from a right answer and wrong ones, in an order that follows from a hash of the question.

    `separator` splits the wrong answers where one cell holds several.
    """

    right: Word
    wrong: Words
    separator: str = ""


class Cell(_Strict):
    """A field of `data`: columns, joined as lists where there are several, or a `value` that is the same for all.

    `parse` reads a cell that holds JSON as text.
    """

    columns: Annotated[list[Word], BeforeValidator(_as_list)] = []
    parse: Literal["", "json", "list"] = ""
    value: Any = None


class Group(_Strict):
    """The group from the file's name: what stands at the `*` of the first `file` that fits; or one `text` for all."""

    file: Annotated[list[Annotated[str, Field(pattern=r"^[^*]*\*[^*]*$")]], BeforeValidator(_as_list)] = ["*"]
    text: str = ""


class Split(_Strict):
    """Rows for examples: their files, and a `where` of their own, which stands in the place of the layout's."""

    files: Words
    where: dict[Word, Condition] | None = None


def _as_answers(value: Any) -> Any:
    if isinstance(value, str):
        return [{"column": value}]
    return [value] if isinstance(value, dict) else value


def _as_cells(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: one if isinstance(one, dict) else {"columns": one} for key, one in value.items()}
    return value


def _as_splits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: {"files": one} if isinstance(one, (str, list)) else one for key, one in value.items()}
    return value


class ItemMap(_Strict):
    """Which column is what. `question` and `worked` are columns, or templates over them where they hold a `$`.

    `worked` is how an example shows its answer (the solution, step by step); only few-shot examples use it.
    """

    question: Word
    answer: Annotated[list[Answer], BeforeValidator(_as_answers)] = []
    choices: Choices | Annotated[list[Word], BeforeValidator(_as_list)] = []
    labels: Literal["keep", "strip"] = "keep"
    id: str = ""
    group: Group | str = ""
    data: Annotated[dict[Word, Cell], BeforeValidator(_as_cells)] = {}
    worked: str = ""

    @field_validator("choices", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("question", "worked")
    @classmethod
    def _valid(cls, value: str) -> str:
        if "$" in value and not Filled(value).is_valid():
            raise ValueError("is no template: write `${column}`, and `$$` for a dollar")
        return value


class Layout(_Strict):
    """One way in which the data may lie in a folder. `files` and `splits` are globs; the first layout found is read.

    `where` keeps rows whose columns hold one of the values (case, blanks and `_` do not count) or lie within bounds.
    `unusable` says what happens to a row without a usable question, answer or choices.
    """

    files: Words
    splits: Annotated[dict[Word, Split], BeforeValidator(_as_splits)] = {}
    format: Format = ""
    encoding: Annotated[list[Encoding], BeforeValidator(_as_list), Field(min_length=1)] = ["utf-8"]
    delimiter: Annotated[str, Field(pattern=r"^[^\"\r\n]?$")] = ""
    columns: list[Word] = []
    quoted: bool = True
    rows: str = ""
    where: dict[Word, Condition] = {}
    unusable: Literal["refuse", "leave-out"] = "refuse"
    item: ItemMap

    @field_validator("files", "splits")
    @classmethod
    def _inside(cls, value: Any) -> Any:
        for glob in value if isinstance(value, list) else [one for split in value.values() for one in split.files]:
            if glob.startswith("/") or ".." in glob.split("/") or "**" in glob or "\0" in glob:
                raise ValueError(f"`{glob}` leads out of the folder, or through all of it")
        return value

    @property
    def dialect(self) -> Dialect:
        """How the tables are written."""
        return Dialect(
            self.format, tuple(self.encoding), self.delimiter, tuple(self.columns), self.quoted, self.rows
        )  # fmt: skip
