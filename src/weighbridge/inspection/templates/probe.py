"""Try a template on marked conversations in a bounded child process, and read off what it does to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from weighbridge.errors import DamagedFile
from weighbridge.formats.chat_template import parse_template
from weighbridge.inspection.templates.capabilities import capabilities_of
from weighbridge.inspection.templates.conversations import ASSISTANT, FIRST, LAST, LONG_END, SYSTEM
from weighbridge.inspection.templates.instructions import plain_text

__all__ = ["MOST_TRIED", "Behaviour", "is_safe_to_try", "probe"]

MOST_TRIED = 16  # templates of one artefact: the named ones of all places rarely are five

_WALL_SECONDS = 10.0
_MARKS = re.compile(f"{SYSTEM}|{FIRST}|{ASSISTANT}|{LAST}|{LONG_END}")
_ROLE = re.compile(r"system|user|human|instruction|inst\b|assistant|model|chatbot|bot\b|response|gpt", re.IGNORECASE)
_USER_ROLES = frozenset({"user", "human", "instruction", "inst"})
_MODEL_ROLES = frozenset({"assistant", "model", "chatbot", "bot", "response", "gpt"})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a template did, as `wrongs`: sentences that go on after "the template".

    `prompt` is what it writes itself around a conversation that has a system message, without mark-up. `ended` is
    False where the renderer did not finish in its time and memory; `tried` where nothing could be rendered.
    """

    ended: bool = True
    tried: bool = True
    wrongs: list[str] = field(default_factory=list)
    prompt: str = ""


@lru_cache(maxsize=64)
def is_safe_to_try(text: str) -> bool:
    """Whether a template can be parsed and reaches neither Python nor other files, so that it may be rendered."""
    try:
        found = capabilities_of(parse_template(text))
    except (DamagedFile, RecursionError):
        return False
    return not any(one.kind in {"code", "file", "work"} for one in found)


@lru_cache(maxsize=64)
def probe(text: str) -> Behaviour:
    """Render a template in a child with limits on time, memory and files; what it does is judged by marks alone."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "weighbridge.inspection.templates.child"],
            input=text.encode("utf-8", "replace"), capture_output=True, timeout=_WALL_SECONDS, check=False, env={},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Behaviour(ended=False)
    except OSError:
        return Behaviour(tried=False)
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        return Behaviour(ended=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return Behaviour(tried=False)
    return _judge({name: answer.get("text") for name, answer in said.items()}, said)


def _judge(texts: dict[str, str | None], said: dict[str, dict[str, str]]) -> Behaviour:
    full = [text for name in ("full", "parts") if (text := texts.get(name))]
    if any(answer.get("error") == "too long" for answer in said.values()) or any(
        "Memory" in a.get("error", "") for a in said.values()
    ):
        return Behaviour(ended=False)
    if not full and not texts.get("plain"):
        return Behaviour(tried=False)
    wrongs: list[str] = []
    best = max(full, key=lambda text: len(set(_MARKS.findall(text))), default="")
    if best:
        wrongs += _of_roles(best)
    plain = texts.get("plain") or ""
    if plain and FIRST not in plain and FIRST not in best:
        wrongs.append("drops what the user says")
    long = texts.get("long") or ""
    if plain and FIRST in plain and (FIRST not in long or LONG_END not in long) and "text" in said.get("long", {}):
        wrongs.append("cuts a long message of the user")
    return Behaviour(wrongs=wrongs, prompt=plain_text(_MARKS.sub("\n", best or plain)))


def _of_roles(text: str) -> list[str]:
    found = {mark: text.find(mark) for mark in (SYSTEM, FIRST, ASSISTANT, LAST)}
    wrongs = []
    if found[SYSTEM] < 0 and found[LAST] >= 0:
        wrongs.append("drops the system message without an error")
    if found[LAST] < 0 <= max(found.values()):
        wrongs.append("drops the user's last message")
    elif found[FIRST] < 0 <= found[LAST]:
        wrongs.append("drops the user's earlier message")
    if found[LAST] >= 0 and text.count(LAST) > 1:
        wrongs.append("repeats the user's message")
    turns = [found[mark] for mark in (FIRST, ASSISTANT, LAST) if found[mark] >= 0]
    if turns != sorted(turns):
        wrongs.append("changes the order of the turns")
    if min(found[FIRST], found[ASSISTANT]) >= 0:
        wrongs += _of_headers(text, found)
    return wrongs


def _of_headers(text: str, found: dict[str, int]) -> list[str]:
    """Compare the role named last before each turn with who spoke."""
    user = _role_before(text, found[FIRST], max(0, found[SYSTEM]) if found[SYSTEM] < found[FIRST] else 0)
    model = _role_before(text, found[ASSISTANT], found[FIRST] if found[FIRST] < found[ASSISTANT] else 0)
    if user in _MODEL_ROLES and model in _USER_ROLES:
        return ["gives the words of the user to the assistant, and the other way round"]
    return []


def _role_before(text: str, at: int, begin: int) -> str:
    roles: list[Any] = _ROLE.findall(text[begin:at])
    return str(roles[-1]).lower() if roles else ""
