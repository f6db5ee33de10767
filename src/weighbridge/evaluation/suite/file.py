"""The TOML of a suite: what it asks and how, and where its rows lie. Docs: `docs/howto/suites.md`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from weighbridge.errors import DamagedFile, SuiteError
from weighbridge.evaluation.datasets.layout import Layout  # noqa: TC001 - pydantic reads it
from weighbridge.evaluation.datasets.needle import Needles  # noqa: TC001 - pydantic reads it
from weighbridge.evaluation.item import LETTERS
from weighbridge.formats.bounded_file import read_small

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Example", "Fetch", "Generation", "Head", "Prompt", "Shots", "SuiteFile", "first_problem", "read_suite_file"]

_MAX_TOML = 4 << 20
NAME = r"^[a-z0-9][a-z0-9-]*$"
REPOSITORY = r"^[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}$"  # a `\w` of all scripts, 192 times, takes 70 ms to compile


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Head(_Strict):
    """`[suite]`: what it is, under which licence, how it is marked."""

    name: Annotated[str, Field(pattern=NAME, max_length=60)]
    version: str = "1"
    title: str = ""
    measures: Literal["score/v1", "behaviour/v1", "latency/v1"] = "score/v1"
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")] = "und"
    licence: str = "not stated"
    source: str = "not stated"
    scorer: str = ""
    chance: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=65_536)] = 64
    items: str = "items.jsonl"


class Prompt(_Strict):
    """`[prompt]`: one template a form, over `$question` and `$choices`; `prefer` is the form that is tried first."""

    prefix: str = ""
    system: str | None = None
    chat: str | None = None
    completion: str | None = None
    prefer: Literal["completion", "chat"] = "completion"


class Example(_Strict):
    """`[[shots.rows]]`: an example written in the suite itself; `worked` is its answer as shown, steps and all."""

    question: Annotated[str, Field(min_length=1)]
    choices: Annotated[list[str], Field(max_length=len(LETTERS))] = []
    answer: str = ""
    worked: str = ""
    group: str = ""


class Shots(_Strict):
    """`[shots]`: `k` examples before each question, never the question itself.

    `split` names them: "rows" are those below; "items" are the first k of the suite's own (of each group), which then
    are not asked; any other is one of the layout's `splits`. `chat` sends them as turns, or all in one text.
    `answer` is how an example's answer follows its prompt, and `join` stands between examples in one text.
    """

    k: Annotated[int, Field(ge=1, le=64)]
    split: str = "rows"
    by_group: bool = False
    chat: Literal["turns", "text"] = "turns"
    header: str = ""
    answer: str = " $answer"
    join: str = "\n\n"
    rows: Annotated[list[Example], Field(max_length=64)] = []


class Generation(_Strict):
    """`[generation]`: how answers are drawn; all of it is part of the digest.

    `stop` ends raw completions (a chat ends by its template). `thinking_tokens` are added to `max_tokens` where the
    model reasons; `thinking` switches reasoning where the template knows the switch. `samples` are answers to each
    question, decided beforehand. `constrain` lets the engine force answers into `data.schema` of the item.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=16)] = []
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    thinking: bool | None = None
    thinking_tokens: Annotated[int, Field(ge=0, le=262_144)] = 0
    constrain: Literal["", "schema"] = ""


class Fetch(_Strict):
    """`[fetch]`: where `weighbridge suites fetch` gets the data: files at one commit, with their SHA-256 where known.

    `files` maps the name that the file gets here to its path there, or to (path, SHA-256).
    """

    hub: Literal["hf", "github"]
    repository: Annotated[str, Field(pattern=REPOSITORY)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: dict[str, Annotated[list[str], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]]

    @field_validator("files")
    @classmethod
    def _inside(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, source in value.items():
            if len(source) not in {1, 2} or name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"`{name}` leads out of the folder, or is not a path and perhaps a SHA-256")
        return value


class Terms(_Strict):
    """`[terms]`: what a licence asks of whoever uses the data, said before anything is asked."""

    say: str
    own_copy_only: bool = False


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class SuiteFile(_Strict):
    """A whole `suite.toml`. Without `[data]` and `[needles]` the items lie in `items.jsonl` beside it."""

    suite: Head
    prompt: Prompt
    shots: Shots | None = None
    generation: Generation | None = None
    data: Annotated[list[Layout], BeforeValidator(_as_list)] = []
    needles: Needles | None = None
    fetch: Fetch | None = None
    terms: Terms | None = None
    get: str = ""

    def content(self) -> dict[str, Any]:
        """Return what the digest covers beside items: all that is asked and how, not where rows happened to lie.

        A field that came later stands there only where it is used: suites from before keep their digest.
        """
        prompt = self.prompt.model_dump()
        if prompt["prefer"] == "completion":
            del prompt["prefer"]
        content: dict[str, Any] = {"suite": self.suite.model_dump(), "prompt": prompt}
        if self.shots is not None:
            content["shots"] = self.shots.model_dump(exclude={"rows"}, exclude_defaults=True)
        if self.generation is not None and (used := self.generation.model_dump(exclude_defaults=True)):
            content["generation"] = used
        return content


def read_suite_file(place: Path) -> SuiteFile:
    """Read a suite's TOML; raises SuiteError with the place of the first thing that is wrong."""
    try:
        return SuiteFile.model_validate(tomllib.loads(read_small(place, _MAX_TOML).decode()))
    except DamagedFile as error:
        raise SuiteError(error.message) from error
    except ValidationError as error:
        raise SuiteError(f"`{place}`: {first_problem(error)}") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"`{place}` is not UTF-8: {error}") from error
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"`{place}` is not TOML: {error}") from error


def first_problem(error: ValidationError) -> str:
    """Say the first thing pydantic found, with its place."""
    first: Any = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"`{where}`: {first['msg'][:1].lower()}{first['msg'][1:]}"
