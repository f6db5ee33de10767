"""How a licence, its terms and an answer are written in the terminal and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.layout import line, plain, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.inspection.licence.answer.judge import Answer, Reason
    from weighbridge.inspection.licence.identity import Difference
    from weighbridge.workflow.inspection.licence import Read

__all__ = ["force_lines", "print_differences", "print_read"]

_SHOWN = 12
_WHOLE = 2000
_WIDTH = 200


def print_read(read: Read, *, as_json: bool) -> None:
    """Print what was read, for a person or as one JSON object."""
    if as_json:
        click.echo(json.dumps(_json(read), ensure_ascii=False, indent=1))
        return
    for text in _lines(read):
        click.echo(text)


def print_differences(first: str, second: str, found: Sequence[Difference], *, as_json: bool) -> None:
    """Print the material differences of two texts; JSON has the others too, marked."""
    material = [difference for difference in found if difference.is_material]
    if as_json:
        rows = [_difference(difference) for difference in found]
        content = {"schema": "weighbridge/licence-diff/v1", "first": first, "second": second, "differences": rows}
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
        return
    click.echo(f"{plain(first)} -> {plain(second)}\n")
    for difference in material:
        click.echo(line(difference.kind.value, f"- {_cut(difference.reference) or '(nothing)'}"))
        click.echo(line("", f"+ {_cut(difference.text) or '(nothing)'}"))
    left = len(found) - len(material)
    click.echo(f"\n{len(material)} differences touch a term; {left} others (names, dates, mark-up) are left out.")


def force_lines(body: dict[str, Any]) -> list[str]:
    """Return the lines on a body of licence/v1: what is in force from where, conflicts, open questions."""
    lines: list[str] = []
    for force in body["in_force"]:
        said = force["licence"] or (f"near {force['nearest']}" if force["nearest"] else "not known")
        lines.append(line("" if lines else "licence", f"{force['source']}: {said}", force["verdict"] or force["basis"]))
    lines += [line("", f"conflict: {conflict['message']}") for conflict in body["conflicts"]]
    lines += [line("", f"question: {question}") for question in body["questions"][:_SHOWN]]
    if (more := len(body["questions"]) - _SHOWN) > 0:
        lines.append(line("", f"and {more} more questions: `--json` lists them all"))
    return lines


def _json(read: Read) -> dict[str, Any]:
    """Return it for machines: `terms` are plain answers, `clauses` what is behind each."""
    from weighbridge.inspection.licence.answer.judge import NOT_ADVICE

    identity = read.identity
    own = [force for force in read.force.in_force if force.role == "weights"]
    only = own[0] if len(own) == 1 else None  # a model with one licence text has its identity
    content: dict[str, Any] = {
        "schema": "weighbridge/licence/v1",
        "subject": read.subject,
        "identity": identity.licence_id if identity else only and only.licence,
        "verdict": identity.verdict.value if identity else only and only.verdict,
        "revision": identity.revision if identity else only and only.revision,
        "nearest": identity.nearest if identity else only and only.nearest,
        "name": read.name,
        "verified_on": read.verified_on,
        "differences": [_difference(difference) for difference in (identity.differences if identity else ())],
        "parts": [
            {"verdict": part.verdict.value, "identity": part.licence_id, "nearest": part.nearest,
             "lines": [part.first_line, part.last_line]}
            for part in (identity.parts if identity else ())
        ],
        "terms": _plain_terms(read),
        "clauses": {column: term.model_dump(exclude={"value"}) for column, term in read.terms.items()},
        "in_force": read.force.model_dump(mode="json", exclude={"terms", "gates", "answer"}),
        "gates": [gate.model_dump(mode="json", exclude_defaults=True) for gate in read.force.gates],
        "advice": NOT_ADVICE,
    }  # fmt: skip
    if read.answer is not None:
        content["answer"] = read.answer.to_json()
    return content


def _plain_terms(read: Read) -> dict[str, str | None]:
    """Return the answers alone; of a text that may be filed under a name, that name and its date too."""
    head: dict[str, str | None] = {}
    if read.identity is not None:
        is_named = read.identity.licence_id is not None
        head = {"name": read.name if is_named else None, "version_date": read.version_date if is_named else None}
    return head | {column: term.value for column, term in read.terms.items()}


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "text": difference.text,
        "reference": difference.reference,
        "material": difference.is_material,
        "line": difference.place,
    }


def _lines(read: Read) -> Iterator[str]:
    """Yield the lines for a person: identity, what is in force, terms, the answer."""
    from weighbridge.inspection.licence.answer.judge import NOT_ADVICE

    yield f"{plain(read.subject)}\n"
    yield from _identity_lines(read)
    for conflict in read.force.conflicts:
        yield line("conflict", conflict.message)
    for column, term in read.terms.items():
        said = term.value or (f"not known: {term.reason}" if term.value is None and read.identity else "")
        if said:
            yield f"  {column.replace('_', ' '):<31}{plain(_cut(said))}"
    for question in read.force.questions[:_SHOWN]:
        yield line("question", _cut(question))
    if read.answer is not None:
        yield from _answer_lines(read.answer)
    yield f"\n{NOT_ADVICE}."


def _identity_lines(read: Read) -> Iterator[str]:
    """Yield what a text is, and every source of a licence."""
    if read.identity is not None:
        identity = read.identity
        name = read.name or identity.licence_id or identity.nearest or "no licence that is known"
        revision = f", revision {identity.revision}" if identity.revision else ""
        named = f"`{identity.licence_id}`" if identity.licence_id else "not to be filed under a name"
        yield line("licence", f"{identity.verdict.value}: {name}{revision}", named)
        for difference in identity.material[:_SHOWN]:
            words = f"“{_cut(difference.text)}” where the licence has “{_cut(difference.reference)}”"
            yield line(difference.kind.value, words)
        return
    for force in read.force.in_force:
        said = force.licence or (f"near {force.nearest}" if force.nearest else "not known")
        yield line(force.role, f"{force.source}: {said}", force.verdict or force.basis)


def _answer_lines(answer: Answer) -> Iterator[str]:
    """Yield the answer and every clause it rests on."""
    who = sorted({reason.licensor for reason in answer.licences_needed if reason.licensor})
    yield "\n" + line("answer", answer.answer.upper() + (f" from {', '.join(who)}" if who else ""))
    for label, reasons in (
        ("forbidden", answer.forbidden),
        ("licence", answer.licences_needed),
        ("question", answer.questions),
        ("duty", answer.duties),
    ):
        for reason in reasons:
            yield line(label, _says(reason), reason.clause)
            if reason.quote:
                yield from wrapped(f"“{reason.quote[:_WHOLE]}”")  # a clause is read whole


def _says(reason: Reason) -> str:
    """Say a reason; a duty that may not apply says on what it depends."""
    depends = (
        f" (if it applies; not said: {', '.join(reason.missing)})" if reason.missing and "?" not in reason.says else ""
    )
    return reason.says + depends


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
