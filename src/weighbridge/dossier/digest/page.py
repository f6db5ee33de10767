"""The digest as a page that is complete in itself, and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from weighbridge.dossier.digest.wording import digest_lead, lines_of
from weighbridge.dossier.html import environment, stylesheet, words
from weighbridge.dossier.locale import load_locale
from weighbridge.dossier.markdown import escape
from weighbridge.dossier.visible import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.dossier.digest.wording import ItemLines
    from weighbridge.watch.digest.item import Digest
    from weighbridge.watch.digest.rules import Rules
    from weighbridge.watch.digest.windows import Rhythm

__all__ = ["ToldDigest", "html", "markdown", "tell"]


@dataclass(frozen=True, slots=True)
class ToldDigest:
    """A digest in one language: its items in words, in the digest's order."""

    digest: Digest
    lines: tuple[ItemLines, ...]
    lead: str
    language: str


def tell(digest: Digest, rules: Rules, rhythms: Mapping[str, Rhythm], language: str = "en") -> ToldDigest:
    """Return a digest in words; raises UsageError for a language that there are no words for."""
    t = load_locale(language)
    lines = tuple(lines_of(item, rules, rhythms, t) for item in digest.items)
    return ToldDigest(digest, lines, digest_lead(digest, t), language)


def html(told: ToldDigest) -> bytes:
    """Return the page: no script, no network, fit to be printed; what strangers wrote is escaped and spelled out."""
    css = Markup(stylesheet())  # noqa: S704 - our own file
    template = environment().get_template("digest_page.html.j2")
    return reveal(template.render(**words(told.language), told=told, css=css)).encode()


def markdown(told: ToldDigest) -> bytes:
    """Return the digest as Markdown."""
    t = load_locale(told.language)
    colon = t("figure.colon")
    rows = [f"# {escape(t('digest.title'))}", "", escape(told.lead)]
    if not told.lines:
        rows += ["", escape(t("digest.none"))]
    for one in told.lines:
        rows += ["", f"## {escape(f'[{one.severity_word}] {one.title}')}", ""]
        for heading, parts in _parts(one):
            rows += [f"- **{escape(t(heading))}**{colon}{escape(parts[0])}"] if len(parts) == 1 else []
            rows += (
                [f"- **{escape(t(heading))}**", *(f"  - {escape(part)}" for part in parts)] if len(parts) > 1 else []
            )
        rows += [f"  - `{command.replace('`', ' ')}`" for command in one.commands]
        # four blanks: no row of a stranger's can close the block (CommonMark 4.5)
        rows += ["", "~~~", *(f"    {row}" for row in one.diff), "~~~"] if one.diff else []
    return reveal("\n".join([*rows, "", escape(t("digest.closing"))]) + "\n").encode()


def _parts(one: ItemLines) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what is said under which heading; a heading with nothing under it is left out by who lays it out."""
    return (
        ("digest.changed", one.changed),
        ("digest.why", one.why),
        ("digest.concerns", one.concerns),
        ("digest.who", (one.who,)),
        ("digest.places", one.places),
        ("digest.dates", (one.dates,)),
        ("digest.confidence", (one.known,)),
        ("digest.family", one.family),
        ("digest.notes", one.notes),
        ("digest.evidence", one.evidence),
        ("digest.suites", one.suites),
        ("digest.next", (one.next,)),
    )
