"""A chat template differs from the others of the same model, or from the published one that it was made from.

What it finds: two places of one artefact (GGUF metadata, `tokenizer_config.json`, `chat_template.json`, `*.jinja`)
whose default templates say different things; a template that is nearly one of 80 published ones, with sentences that
are not in it, and that reach the prompt even where the application gives its own system message; a template with
sentences of its own where no published one is near. White space, comments and quotes do not count as differences.

Why it matters: which template is used depends on the loader: llama.cpp reads GGUF metadata, transformers a `.jinja`
file before `tokenizer_config.json`. A difference means two models under one name, and an added sentence in a copied
template is how covert instructions come in.

What to do: compare the quoted words with the template of the original publisher.

Works offline: yes. The published templates are kept as digests; "not near any" means only that ours do not hold it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence, Effect, Finding, Looked, Severity
from weighbridge.errors import DamagedFile
from weighbridge.formats.chat_template import parse_template
from weighbridge.formats.place import quote
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.templates.instructions import sentences_of
from weighbridge.inspection.templates.known import NEAR, is_known_sentence, is_published, nearest, pieces_of
from weighbridge.inspection.templates.probe import is_safe_to_try, probe
from weighbridge.inspection.templates.sources import read_sources
from weighbridge.inspection.templates.triggers import literals_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact
    from weighbridge.formats.chat_template import ChatTemplate

__all__ = ["template_origin"]

LOOKS_AT = "chat templates: against each other and against published ones"
_CHECK = "template-origin"
_MOST_QUOTED = 3


def template_origin(artefact: Artefact) -> Iterator[Finding | Looked]:
    """Find differences between a model's own templates, and between each of them and the nearest published one."""
    sources = read_sources(Folder(artefact))
    by_name: dict[str, ChatTemplate] = {}
    seen: set[str] = set()
    for template in sources.templates:
        first = by_name.setdefault(template.name, template)
        if first is not template:
            yield from _between(first, template)
        if template.text not in seen and is_safe_to_try(template.text):
            seen.add(template.text)
            yield from _from_published(template)
    for name in sources.looked:
        yield Looked(_CHECK, name, settles=False)


def _between(first: ChatTemplate, second: ChatTemplate) -> Iterator[Finding]:
    """Compare two templates of one name by their pieces."""
    here, there = pieces_of(first.text), pieces_of(second.text)
    if first.text == second.text or [piece.text for piece in here] == [piece.text for piece in there]:
        return
    new, gone = (
        len({one.text for one in there} - {one.text for one in here}),
        len({one.text for one in here} - {one.text for one in there}),
    )
    message = f"the chat template differs from that of {quote(first.place)}: {new} pieces added, {gone} removed"
    own, others = _own_sentences(second.text), _own_sentences(first.text)
    if more := sorted(own - others):
        message += f"; only it says {_quoted(more)}"
    if less := sorted(others - own):
        message += f"; only that one says {_quoted(less)}"
    yield Finding(_CHECK, Severity.MEDIUM, second.place, message, effect=Effect.ASKS_TRUST)


def _from_published(template: ChatTemplate) -> Iterator[Finding]:
    found = nearest(template.text)
    if found is None or is_published(template.text):
        return
    known, likeness, new = found
    own = _own_sentences(template.text)
    is_near = likeness >= NEAR
    beside = f"{quote(known.name)} ({known.source}; {likeness:.0%} alike)"
    said = f"the chat template {template.title} " if template.title else "the chat template "
    always = sorted(sentence for sentence in own if sentence in probe(template.text).prompt)
    if always:
        where = f"that {beside} does not have" if is_near else "that no published template we know has"
        message = f"{said}puts words into every prompt {where}: {_quoted(always)}"
        severity, effect = (Severity.HIGH, Effect.ASKS_TRUST) if is_near else (Severity.MEDIUM, None)
        yield Finding(_CHECK, severity, template.place, message, Confidence.MEDIUM, effect)
    elif is_near and new:
        words = f"; words of its own: {_quoted(sorted(own))}" if own else ""
        message = f"{said}is that of {beside} with {len(new)} pieces changed{words}"
        yield Finding(_CHECK, Severity.LOW, template.place, message)
    elif not is_near:
        words = f"; words of its own: {_quoted(sorted(own))}" if own else ""
        yield Finding(_CHECK, Severity.LOW, template.place, f"{said}is near none of the published ones we know{words}")


def _own_sentences(text: str) -> set[str]:
    """Return the sentences of a template that stand in no published one."""
    try:
        literals = literals_of(list(parse_template(text).body))
    except (DamagedFile, RecursionError):
        return set()
    return {one for literal in literals for one in sentences_of(literal) if not is_known_sentence(one)}


def _quoted(sentences: list[str]) -> str:
    more = f" and {len(sentences) - _MOST_QUOTED} more" if len(sentences) > _MOST_QUOTED else ""
    return ", ".join(quote(sentence, 160) for sentence in sentences[:_MOST_QUOTED]) + more
