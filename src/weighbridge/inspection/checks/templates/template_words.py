"""A chat template speaks to the model behind the user's back.

What it finds: literal text that no publisher of 80 known templates wrote and that gives covert orders (overrule the
system message, hide from the user, steer to a product or an address, mislead, ask for secrets, send or run
something), web addresses in literals; conditions on what the user's message says, on the date or on the number of
turns that add or take away text; characters that a reviewer cannot see (zero-width, direction marks, tags,
look-alike letters), which change what the model reads.

Why it matters: the template is a part of every prompt and of no evaluation. "Inference-Time Backdoors via Hidden
Instructions in LLM Chat Templates" (ICLR 2026 workshop) turned 18 models of 7 families with a condition and a
sentence, at about 80% success, and the hub's scanners saw nothing.

What to do: read the quoted words. Use the original publisher's template unless you know why it was changed.

Works offline: yes. The words are looked for in English and Chinese; a text in another language is found as unknown
text by `template-origin` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.chat_template import parse_template
from weighbridge.formats.place import quote
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.templates.hidden import HiddenText, hidden_in
from weighbridge.inspection.templates.instructions import covert_words, is_spoken
from weighbridge.inspection.templates.known import is_known_sentence, is_published, unknown_text
from weighbridge.inspection.templates.sources import read_sources
from weighbridge.inspection.templates.triggers import Trigger, literals_of, replacements_of, triggers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.chat_template import ChatTemplate

__all__ = ["template_words"]

LOOKS_AT = "chat templates: what they say to the model"
_CHECK = "template-words"
_ON = {"content": "what a message says", "date": "the date", "turns": "the number of messages"}


def template_words(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find covert orders, switches and invisible characters in chat templates."""
    sources = read_sources(Folder(artefact))
    for template in sources.templates:
        if is_published(template.text):
            continue
        for severity, confidence, what in _of(template):
            said = f"the chat template {template.title}{' ' if template.title else ''}{what}"
            yield Finding(_CHECK, severity, template.place, said, confidence, Effect.ASKS_TRUST)
    for name in sources.looked:
        yield Looked(_CHECK, name, settles=False)


def _of(template: ChatTemplate) -> Iterator[tuple[Severity, Confidence, str]]:
    for hidden in _hidden(template.text):
        spelled = f", which read {quote(hidden.spelled)}" if hidden.spelled else ""
        what = f"holds {hidden.count} {hidden.what}, first at line {hidden.line}{spelled}"
        yield Severity.HIGH, Confidence.HIGH, what
    try:
        tree = parse_template(template.text)
        yield from _of_tree(tree)
    except (DamagedFile, RecursionError):
        return  # `template-code` says so


def _hidden(text: str) -> list[HiddenText]:
    """Return what a template hides: in its source, and in literals that are written with escapes."""
    found = hidden_in(text)
    try:
        constants = "".join(str(node.value) for node in parse_template(text).find_all(nodes.Const))
    except (DamagedFile, RecursionError):
        return found
    known = {one.what for one in found}
    return found + [one for one in hidden_in(constants) if one.what not in known and "\\" in text]


def _of_tree(tree: nodes.Template) -> Iterator[tuple[Severity, Confidence, str]]:
    said: set[str] = set()
    for literal in [*literals_of(list(tree.body)), *map(_joined, triggers_of(tree))]:
        for what, words in covert_words(unknown_text(literal)):
            if what not in said:
                said.add(what)
                yield Severity.HIGH, Confidence.MEDIUM, f"tells the model {quote(words, 200)}: {what}"
    for trigger in triggers_of(tree):
        yield from _of_trigger(trigger)
    for line, old, new in replacements_of(tree):
        what = f"replaces {quote(old)} by {quote(new)} in what a message says, at line {line}"
        yield Severity.MEDIUM, Confidence.MEDIUM, what


def _joined(trigger: Trigger) -> str:
    return trigger.adds


def _of_trigger(trigger: Trigger) -> Iterator[tuple[Severity, Confidence, str]]:
    text = " ".join(part for part in unknown_text(trigger.adds).split("\n") if not is_known_sentence(part))
    where = f"depends on {_ON[trigger.kind]} ({quote(trigger.words)}) at line {trigger.line}"
    if is_spoken(text):
        what = f"{where}: it then puts {quote(' '.join(text.split()), 200)} into the prompt"
        yield Severity.HIGH, Confidence.HIGH if trigger.kind != "turns" else Confidence.MEDIUM, what
    elif trigger.kind != "turns":
        yield Severity.MEDIUM, Confidence.LOW, where
