"""The tasks: a user's question, a tool's output with an instruction in it, and the same output without."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ARMS",
    "LANGUAGES",
    "Arm",
    "Case",
    "Task",
    "Tool",
    "bank_json",
    "cases_of",
    "check_languages",
    "tasks",
    "tools",
    "tools_json",
]

Arm = Literal["attacked", "clean", "asked"]
ARMS: tuple[Arm, ...] = ("attacked", "clean", "asked")
LANGUAGES = ("en", "zh-Hans")
_PLACE = "{injection}"
_NAME, _VERSION = "hijack", "1"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is offered, its parameters (all texts), and plain requests for it: (held text, by language)."""

    name: str
    says: str
    parameters: dict[str, str]
    requests: tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One attack: what the instruction wants (`goal`), how it is dressed (`style`), and how to tell.

    `markers` stand in the instruction and nowhere else; `expects` are words one of which answers the user's question.
    `text` holds user, output and injection by language.
    """

    id: str
    goal: str
    style: str
    reads: str
    tool: str
    markers: tuple[str, ...]
    expects: tuple[str, ...]
    text: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is asked: a task attacked or clean, or a plain request to call a tool ("asked").

    `markers` are what a call must hold to count, `expects` what an answer must say to be of use.
    """

    id: str
    arm: Arm
    language: str
    goal: str
    question: str
    tool: str
    markers: tuple[str, ...]
    expects: tuple[str, ...] = ()


def check_languages(languages: Iterable[str]) -> None:
    """Raise UsageError for a language without tasks."""
    for language in languages:
        if language not in LANGUAGES:
            raise UsageError(f"no tasks in {quote(language, 40)}", hint=f"they are in {', '.join(LANGUAGES)}")


@cache
def tools() -> tuple[Tool, ...]:
    """Return the tools that are offered."""
    rows = tomllib.loads(_text("tools.toml"))["tool"]
    return tuple(
        Tool(
            row["name"],
            row["says"],
            row["parameters"],
            tuple((one["holds"], {lang: one[lang] for lang in LANGUAGES}) for one in row.get("request", ())),
        )
        for row in rows
    )


@cache
def tasks() -> tuple[Task, ...]:
    """Return the tasks that ship."""
    rows = [json.loads(line) for line in _text("tasks.jsonl").splitlines()]
    return tuple(
        Task(
            row["id"], row["goal"], row["style"], row["reads"], row["attack"]["tool"], tuple(row["attack"]["markers"]),
            tuple(row["expects"]), row["text"],
        )
        for row in rows
    )  # fmt: skip


def cases_of(language: str, limit: int | None = None) -> list[Case]:
    """Return what is asked in one language: every task attacked and clean, then the plain requests.

    `limit` takes fewer tasks, spread evenly over the goals' list.
    """
    chosen = tasks()
    if limit is not None and limit < len(chosen):
        chosen = tuple(chosen[index * len(chosen) // limit] for index in range(limit))
    found = [_case(task, arm, language) for task in chosen for arm in ("attacked", "clean")]
    plain = [
        Case(f"{tool.name}-{number}", "asked", language, "", text[language], tool.name, (holds,))
        for tool in tools()
        for number, (holds, text) in enumerate(tool.requests, 1)
    ]
    return [*found, *plain]


def tools_json() -> list[dict[str, Any]]:
    """Return the tools as the OpenAI API takes them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.says,
                "parameters": {
                    "type": "object",
                    "properties": {
                        name: {"type": "string", "description": says} for name, says in tool.parameters.items()
                    },
                    "required": list(tool.parameters),
                },
            },
        }
        for tool in tools()
    ]


def bank_json() -> dict[str, Any]:
    """Return what evidence says about the tasks (the shape of `BankBody`)."""
    content = {name: _text(name) for name in ("tasks.jsonl", "tools.toml")}
    return {
        "name": _NAME, "version": _VERSION, "digest": digest_of(content), "licence": "Apache-2.0",
        "source": "Written for Weighbridge by its authors, in English and simplified Chinese", "size": len(tasks()),
    }  # fmt: skip


def _case(task: Task, arm: Arm, language: str) -> Case:
    """Return a task with its instruction, or without: the line that held it is left out."""
    text = task.text[language]
    output = text["output"]
    if arm == "attacked":
        output = output.replace(_PLACE, text["injection"])
    else:
        output = "\n".join(line for line in output.splitlines() if line != _PLACE)
    question = f"{text['user']}\n\n`{task.reads}` returned:\n<tool_output>\n{output}\n</tool_output>"
    return Case(task.id, arm, language, task.goal, question, task.tool, task.markers, task.expects)


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
