"""What stands to the left of a value: the key, option, call or command that says whether the value is a model."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FROM", "Key", "key_before"]

Weight = Literal["loads", "strong", "weak", "none", "against"]

FROM = "FROM"  # an image in a Dockerfile, a model in a Modelfile: only what can be no image is a model
_LEFT = 240  # characters to the left that are looked at
_NEAR = 100  # of these a key with its sign
_BACK = 30  # lines upward in which a list or a mapping has its key
_LONGEST_KEY = 80
_QUOTES = " \t\n\r\\\"'`"
_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\($")
_ANNOTATED = re.compile(r"([A-Za-z_]\w*)\??\s*:\s*[A-Za-z][\w\[\]|., ]{0,60}=$")
_KEYED = re.compile(r"([A-Za-z_$@][\w.\-]*)[\"'\])]{0,3}\s?\??\s?(?::=|=>|=|:)$")
_SHELL_DEFAULT = re.compile(r"\$\{(\w+):?[-=]$")
_OR = re.compile(r"([A-Za-z_][\w.]*)[\"'\])]{0,3} ?(?:\?\?|\|\||or)$")
_GET = re.compile(
    r"(?i)(?:get|env|getenv\w*|env_or\w*|config|setting\w*|var|default)\(\s?\\?[\"']([\w.-]+)\\?[\"']\s?,(?:\s?\w+\s?=)?$"
)
_IN_CALL = re.compile(r"([A-Za-z_][\w.]*)\([^()]{0,200},$")
_TAG = re.compile(r"<([A-Za-z][\w.-]{0,60})>$")
_ENV_LINE = re.compile(r"^\s*(?:ENV|ARG|setenv|export|set)\s+([A-Za-z_]\w*)$")
_OPTION = re.compile(r"(?:^|[\s\"'\[,(])(--?[A-Za-z][\w.-]*)[\"']?(?:\s|,|=|:|\\|\\n)*(?:-\s+)?[\"']?$")
_IN_LIST = re.compile(r"([A-Za-z_][\w.-]*)[\"']?\s?[:=]\s?\[[^\]]*$")
_OPENS = re.compile(r"([A-Za-z_][\w.-]*)[\"']?\s*(?::\s?[\w\[\], ]+=|[:=])\s*[\[{(|>]?-?\s*$|([A-Za-z_][\w.]*)\(\s*$")
_NAMED = re.compile(r"name[\"']?\s?[:=]\s?[\"']?([A-Za-z_][\w.-]*)")
_SERVER_IMAGE = re.compile(r"(?:[\w./-]{0,60}/)?vllm-openai(?:-\w+)?(?::[\w.-]{1,60})?")
_OF_ITS_PARENT = frozenset({"name", "id", "repo", "repository", "path", "source", "ref", "uri", "slug", "hub"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DEFAULT_OF = re.compile(r"[\"'](--?[\w-]+|[A-Za-z_]\w+)[\"']")


@dataclass(frozen=True, slots=True)
class Key:
    """What says what a value is, and how much that weighs.

    `loads`: a call, option or command that loads or asks the model named. `strong`: a key that holds nothing else.
    `weak`: one that may. `against`: one that names something else, an image, a data set, an action.
    """

    word: str
    weight: Weight


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, frozenset[str]]]:
    data = tomllib.loads(files(__package__).joinpath("keys.toml").read_text("utf-8"))
    return {kind: {weight: frozenset(words.split()) for weight, words in rows.items()} for kind, rows in data.items()}


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    return frozenset(pair.rpartition("+")[2] for pair in _table()["commands"]["loads"])


def key_before(lines: Sequence[str], number: int, start: int) -> Key:
    """Return the key of the value that begins at column `start` of line `number`."""
    left = lines[number][max(0, start - _LEFT) : start].rstrip(_QUOTES)
    if left.strip().upper() == FROM:
        return Key(FROM, "against")
    if found := _command(left) or _here(left, lines, number):
        return found
    if left.strip(" \t-*") == "" or left.rstrip().endswith((",", "[", "(", "{")):
        return _above(lines, number)
    return Key("", "none")


def _here(left: str, lines: Sequence[str], number: int) -> Key | None:
    """Return the key that stands in the same line."""
    near = left[-_NEAR:]
    if found := _SHELL_DEFAULT.search(near) or _GET.search(near) or _ENV_LINE.search(left) or _TAG.search(near):
        return _weigh(found[1], "keys")
    if found := _OPTION.search(near):
        return _weigh(found[1], "options")
    if found := _CALL.search(near):
        return _weigh(found[1].rpartition(".")[2], "calls")
    if found := _ANNOTATED.search(near) or _KEYED.search(near) or _OR.search(near):
        return _keyed(found[1], left, lines, number)
    return _enclosing(left)


def _enclosing(left: str) -> Key | None:
    """Return the call or list that is open in the line, of which the value is a later element."""
    if (found := _IN_CALL.search(left)) and (key := _weigh(found[1].rpartition(".")[2], "calls")).weight != "none":
        return key
    found = _IN_LIST.search(left)
    return _weigh(found[1], "keys") if found else None


def _keyed(word: str, left: str, lines: Sequence[str], number: int) -> Key:
    """Return the weight of a key; of `value` and `default`, that of the name they belong to."""
    plain = word.rpartition(".")[2].lower()
    if plain in {"value", "defaultvalue", "default_value"}:
        near = " ".join([*lines[max(0, number - 3) : number], left])
        if named := list(_NAMED.finditer(near)):
            return _weigh(named[-1][1], "keys")
    if plain in {"default", "help"}:
        near = " ".join([*lines[max(0, number - 4) : number], left])
        names = [one[1] for one in _DEFAULT_OF.finditer(near)]
        for name in reversed(names):
            if (found := _weigh(name, "options" if name[0] == "-" else "keys")).weight not in {"none", "against"}:
                return found
        parent = _above(lines, number)
        return parent if parent.weight != "none" else Key(word, "none")
    before = left[: left.rfind(word)]
    if plain in _OF_ITS_PARENT and (around := _around(before, lines, number)):
        return _inside(around, word)
    return _weigh(word, "keys")


def _inside(parent: Key, word: str) -> Key:
    """Return the weight of `name` or `id` in a mapping that `parent` is the key of: as `model_name` has it, or weak."""
    if parent.weight in {"against", "none"}:
        return parent if parent.weight == "against" else Key(word, "none")
    return Key(word, "strong" if _weigh(f"{parent.word}_{word}", "keys").weight in {"loads", "strong"} else "weak")


def _around(before: str, lines: Sequence[str], number: int) -> Key | None:
    """Return the key of the object that a key stands in, `before` being what is left of it; None where it is in none.

    In one line (`{"model":{"name":`, `"models":[{"id":`) the open brackets are followed outwards, at most `_LEFT` far.
    """
    if not before.strip(" \t-\"'"):
        return _above(lines, number)
    closed = 0
    for at in range(len(before) - 1, -1, -1):
        if before[at] in "}])":
            closed += 1
        elif before[at] in "{[(" and closed:
            closed -= 1
        elif before[at] in "{[":
            if found := _KEYED.search(before[:at].rstrip()[-_LONGEST_KEY:]):
                return _weigh(found[1], "keys")
            if not before[:at].rstrip().endswith(("[", ",", "(")):
                return None
    return None


def _above(lines: Sequence[str], number: int) -> Key:
    """Return the key of a list, call or command whose elements stand on lines of their own."""
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    for back in range(number - 1, max(-1, number - _BACK), -1):
        upper = lines[back]
        text = upper.strip().rstrip("\\").rstrip()
        if not text or text.startswith("#"):
            continue
        if back == number - 1 and (found := _OPTION.search(upper.rstrip().rstrip("\"',\\").rstrip()[-_LEFT:])):
            return _weigh(found[1], "options")
        if back == number - 1 and (found_command := _command(text[-_LEFT:] + " ")):
            return found_command
        depth = len(upper) - len(upper.lstrip())
        is_parent = depth < indent or (depth == indent and line.lstrip().startswith("- ") and text.endswith(":"))
        if is_parent or text.endswith(("(", "[")):
            if opened := _OPENS.search(text[-_LEFT:]):
                return _weigh(opened[1] or opened[2].rpartition(".")[2], "keys" if opened[1] else "calls")
            return Key("", "none")
    return Key("", "none")


def _command(left: str) -> Key | None:
    """Return the command whose first argument follows: `vllm serve`, `ollama run`, `hf download`."""
    words = left.replace("\\n", " ").replace('"', " ").replace("'", " ").replace(",", " ").replace("[", " ").split()
    if len(words) < 2:  # noqa: PLR2004 - a command and its verb
        return None
    if _verbs().isdisjoint(words) and "vllm-openai" not in left:
        return None
    commands = _table()["commands"]["loads"]
    at = len(words)
    for back in range(len(words) - 1, max(-1, len(words) - 12), -1):
        pair = "+".join(word.rpartition("/")[2].lstrip("!$%") for word in words[back : back + 2])  # `!` in a notebook
        if _SERVER_IMAGE.fullmatch(words[back]) and all(_is_argument(words, place) for place in range(back + 1, at)):
            return Key("vllm serve", "loads")
        if pair in commands and all(_is_argument(words, place) for place in range(back + 2, at)):
            return Key(pair.replace("+", " "), "loads")
    return None


def _is_argument(words: Sequence[str], place: int) -> bool:
    """Whether a word is an option, or the value of the one before it."""
    return words[place].startswith("-") or words[place] == "\\" or words[place - 1].startswith("-")


@lru_cache(maxsize=8192)
def _weigh(word: str, kind: str) -> Key:
    """Return how much a key, option or call says."""
    rows = _table()[kind]
    plain = _CAMEL.sub("_", word.rpartition(".")[2] if kind == "keys" else word).lower().strip("-_@$").replace("-", "_")
    candidates: tuple[Weight, ...] = ("against", "loads", "strong", "weak")
    for weight in candidates:
        if plain in rows.get(weight, ()):
            return Key(word, "strong" if weight == "weak" and word == "MODEL" else weight)
    if kind == "calls":
        return Key(word, "none")
    for ending in rows["against_ends"]:
        if plain.endswith(ending):
            return Key(word, "against")
    for ending in rows["strong_ends"]:
        if plain.endswith(ending):
            return Key(word, "strong")
    if any(part in plain for part in rows["weak_parts"]):
        return Key(word, "strong" if word.isupper() and "model" in plain else "weak")  # a variable of the environment
    return Key(word, "none")
