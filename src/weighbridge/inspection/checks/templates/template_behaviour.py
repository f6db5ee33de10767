"""A chat template loses or twists what the conversation says.

What it finds: each template (unless `template-code` found something in it, then it is not run at all) is rendered on
four marked conversations, in a child process with Jinja's immutable sandbox, 3 s of processor time, 512 MB and no
file or socket to open. Found are: a system message, a user's message or a part of it that does not reach the prompt
although the template raises no error; words of the user given to the assistant; turns in another order or twice; a
renderer that does not come to an end.

Why it matters: a dropped system message removes the rules that the application relies on; swapped roles and cut
messages make a good model a bad one, and no measurement of another template shows it.

What to do: use the original publisher's template. A model that takes no system message should say so by an error, as
Gemma's template does.

Works offline: yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Effect, Finding, Looked, Severity
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.templates.known import NEAR, nearest
from weighbridge.inspection.templates.probe import MOST_TRIED, is_safe_to_try, probe
from weighbridge.inspection.templates.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.chat_template import ChatTemplate

__all__ = ["template_behaviour"]

LOOKS_AT = "chat templates: what they do to a conversation"
_CHECK = "template-behaviour"
_LIGHT = ("repeats", "changes the order")
_SYSTEM = "drops the system message"


def template_behaviour(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find templates that lose, cut, swap or repeat what is said, or that do not come to an end."""
    sources = read_sources(Folder(artefact))
    tried: set[str] = set()
    for template in sources.templates:
        if len(tried | {template.text}) > MOST_TRIED:
            message = f"more than {MOST_TRIED} chat templates differ; this one was not tried"
            yield Finding(_CHECK, Severity.LOW, template.place, message)
        elif is_safe_to_try(template.text):
            tried.add(template.text)
            yield from _of(template)
    for name in sources.looked:
        yield Looked(_CHECK, name, settles=False)


def _of(template: ChatTemplate) -> Iterator[Finding]:
    said = f"the chat template {template.title} " if template.title else "the chat template "
    behaviour = probe(template.text)
    if not behaviour.ended:
        message = f"{said}does not come to an end within 3 s and 512 MB on a conversation of four messages"
        yield Finding(_CHECK, Severity.HIGH, template.place, message, effect=Effect.ASKS_TRUST)
    elif not behaviour.tried:
        message = f"{said}could not be tried: it renders none of our conversations without an error"
        yield Finding(_CHECK, Severity.LOW, template.place, message)
    for wrong in behaviour.wrongs:
        effect = None if wrong.startswith(_LIGHT) else Effect.ASKS_TRUST
        # a template that never had a system role differs from one that was made to lose it
        is_poor = wrong.startswith(_SYSTEM) and "system" not in template.text and not _is_copy(template.text)
        severity = Severity.MEDIUM if effect is None or is_poor else Severity.HIGH
        yield Finding(_CHECK, severity, template.place, said + wrong, effect=effect)


def _is_copy(text: str) -> bool:
    found = nearest(text)
    return found is not None and found[1] >= NEAR
