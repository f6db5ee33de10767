"""A page of behaviour by language, without a decision: HTML or Markdown, in English or Chinese."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from weighbridge.core.digest import short
from weighbridge.core.kinds import KINDS, BehaviourComparisonV1
from weighbridge.dossier.behaviour.wording import sides_of
from weighbridge.dossier.further import section_for
from weighbridge.dossier.html import environment, stylesheet, words
from weighbridge.dossier.markdown import escape
from weighbridge.dossier.marked import section_lines
from weighbridge.dossier.record import anchor_of
from weighbridge.dossier.visible import reveal
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.dossier.block import Section
    from weighbridge.dossier.figure import Figures

__all__ = ["FORMATS", "Told", "behaviour_page"]


_MODEL = "behaviour/v2"
_BESIDE = "behaviour-comparison/v1"


@dataclass(frozen=True, slots=True)
class Told:
    """One statement to show: its kind and body as JSON, what it is about and when it was made; `id` is "" if unkept."""

    kind: str
    body: dict[str, Any]
    name: str
    subject: str
    on: str
    id: str = ""


def behaviour_page(told: Sequence[Told], form: str, language: str = "en") -> bytes:
    """Return a page of statements in a form of `FORMATS`, in the order given: behaviour, and attacks on it.

    The same statements give the same bytes. Raises UsageError for a language that there are no words for, or a kind
    that has no section.
    """
    spoken = words(language)
    figures: Figures = spoken["figure"]
    sections = [_section(one, figures) for one in told]
    named = _apart(told, figures)
    about = [one for one in named if one.kind == _MODEL] or named
    names = " · ".join(dict.fromkeys(filter(None, (one.name for one in about))))
    what = figures.locale.label("kind", about[0].kind if about else _MODEL)
    return FORMATS[form](sections, what, names, named, spoken)


def _apart(told: Sequence[Told], figures: Figures) -> list[Told]:
    """Return the statements with names that tell models of one name apart: by their digest, or by their side."""
    names = Counter(one.name for one in told if one.kind == _MODEL)
    apart = []
    for one in told:
        name = one.name
        if one.kind == _MODEL and names[name] > 1:
            name = f"{name} · {short(one.subject)}"
        elif one.kind == _BESIDE:
            name = " · ".join(sides_of(BehaviourComparisonV1.model_validate(one.body), figures.locale))
        apart.append(replace(one, name=name))
    return apart


def _section(one: Told, figures: Figures) -> Section:
    anchor = anchor_of(one.id) if one.id else ""
    body = KINDS[one.kind].model_validate(one.body)
    found = section_for(one.kind, body, figures, (one.subject, one.on), anchor)
    if found is None:
        raise UsageError(f"there is no section for `{one.kind}`", hint="a report shows behaviour and attacks on it")
    return found


def _html(sections: Sequence[Section], what: str, names: str, told: Sequence[Told], spoken: dict[str, Any]) -> bytes:
    template = environment().get_template("behaviour_page.html.j2")
    css = Markup(stylesheet())  # noqa: S704 - our own file
    title = what + spoken["t"]("figure.colon") + names
    return reveal(template.render(**spoken, sections=sections, what=what, title=title, told=told, css=css)).encode()


def _markdown(
    sections: Sequence[Section], what: str, names: str, told: Sequence[Told], spoken: dict[str, Any]
) -> bytes:
    t = spoken["t"]
    lines = [f"# {escape(what + t('figure.colon') + names)}"]
    for one, section in zip(told, sections, strict=True):
        lines += ["", f"## {escape(one.name)}", *section_lines(section, spoken["figure"])]
        lines += ["", f"{escape(t('made.evidence'))}: {escape(one.id)}"] if one.id else []
    return ("\n".join([*lines, "", escape(t("conduct.page_closing"))]) + "\n").encode()


FORMATS: dict[str, Callable[..., bytes]] = {".html": _html, ".md": _markdown}
