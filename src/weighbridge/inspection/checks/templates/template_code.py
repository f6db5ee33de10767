"""A chat template reaches for Python itself, for other files, or for work without end.

What it finds: in every template (`tokenizer_config.json`, `chat_template.json`, `*.jinja`, the metadata of GGUF),
parsed by Jinja's own parser and never rendered for this check: attributes of Python's insides (`__class__`,
`__globals__`, frames), however their names are written or assembled; the filter `attr`; names that lead to Python
(`lipsum`, `self`, `config`, `open`, `os`); calls such as `popen`; format strings that read attributes; `include`,
`import`, `extends`; loops over huge ranges, texts of huge length, macros that call themselves without a condition; a
template that is no Jinja at all.

Why it matters: a chat template is a program that every request runs. A renderer without a sandbox executes what it
reaches (CVE-2024-34359 in llama-cpp-python), and sandboxes have been escaped by the same means (CVE-2025-27516). No
template of 150 published families needs any of it.

What to do: do not load the file. Take the template of the original publisher, or pass your own to the server
(`--chat-template`), and report the file to its hub.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.chat_template import parse_template
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.templates.capabilities import Capability, capabilities_of
from weighbridge.inspection.templates.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.chat_template import ChatTemplate

__all__ = ["template_code"]

LOOKS_AT = "chat templates: what they can reach"
_CHECK = "template-code"
_WEIGHT: dict[str, tuple[Severity, Effect | None]] = {
    "code": (Severity.CRITICAL, Effect.RUNS_CODE),
    "file": (Severity.HIGH, Effect.ASKS_TRUST),
    "work": (Severity.HIGH, Effect.ASKS_TRUST),
    "call": (Severity.LOW, None),
}
_WHY = {"code": "; a renderer without a sandbox runs it"}


def template_code(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find templates that can do more than lay out a conversation."""
    sources = read_sources(Folder(artefact))
    for place, why in sources.damage.items():
        message = f"it is not known what its chat template does: {why}"
        yield Finding(_CHECK, Severity.MEDIUM, place, message, effect=Effect.UNKNOWN)
    for template in sources.templates:
        yield from _of(template)
    for name in sources.looked:
        # a template file is nothing but its template; of others this is one aspect
        yield Looked(_CHECK, name, settles=name.lower().endswith((".jinja", ".jinja2", ".j2")))


def _of(template: ChatTemplate) -> Iterator[Finding]:
    said = f"the chat template {template.title} " if template.title else "the chat template "
    try:
        found = capabilities_of(parse_template(template.text))
    except DamagedFile as error:
        yield Finding(_CHECK, Severity.MEDIUM, template.place, said + error.message, effect=Effect.BREAKS_FORMAT)
        return
    except RecursionError:
        message = f"{said}is nested too deeply to be read"
        yield Finding(_CHECK, Severity.HIGH, template.place, message, effect=Effect.BREAKS_FORMAT)
        return
    for one in found:
        yield _finding(template.place, said, one)


def _finding(place: str, said: str, one: Capability) -> Finding:
    severity, effect = _WEIGHT[one.kind]
    message = f"{said}{one.what} at line {one.line}{_WHY.get(one.kind, '')}"
    return Finding(_CHECK, severity, place, message, effect=effect)
