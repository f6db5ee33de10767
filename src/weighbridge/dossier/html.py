"""The dossier as one self-contained HTML file: no script, no network, light and dark, fit to be printed and signed."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from weighbridge.core.digest import digest_of, short
from weighbridge.dossier.anatomy_chart import memory_plot, parts_plot
from weighbridge.dossier.chart import difference_plot, share_plot
from weighbridge.dossier.facts import facts_of
from weighbridge.dossier.figure import Figures, as_estimate
from weighbridge.dossier.further import further_sections
from weighbridge.dossier.locale import load_locale
from weighbridge.dossier.record import anchor_of
from weighbridge.dossier.section import sections
from weighbridge.dossier.visible import cut, reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.record import Measured

__all__ = ["environment", "render", "stylesheet", "words"]

_WHOLE = 200_000
_LIMITS = {"items": 1_000, "files": 500}


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the page in a language; the same dossier gives the same bytes. Raises UsageError for the language."""
    spoken = words(language)
    figures: Figures = spoken["figure"]

    def demands(share: Measured) -> list[str]:
        """Write what the rules demand of one share."""
        bounds = dossier.demands(share.record, share.measure)
        return [figures.demand(bound.operator, bound.threshold, share.measure) for bound in bounds]

    text = environment().get_template("dossier.html.j2").render(
        **spoken,
        d=dossier,
        sections=tuple(sections(dossier, figures)),
        further=tuple(further_sections(dossier, figures)),
        css=Markup(stylesheet()),  # noqa: S704 - our own file
        charts={
            "shares": share_plot(dossier, figures),
            "differences": difference_plot(dossier, figures),
            "parts": parts_plot(dossier.anatomy.body, figures) if dossier.anatomy else None,
            "memory": memory_plot(dossier.anatomy.body, figures) if dossier.anatomy else None,
        },
        demands=demands,
        decision_digest=digest_of(dossier.decision),
    )  # fmt: skip
    return reveal(text).encode()


def words(language: str) -> dict[str, Any]:
    """Return what every template speaks with: `t` for words, `figure` for numbers."""
    locale = load_locale(language)
    return {"t": locale, "figure": Figures(locale)}


@cache
def stylesheet() -> str:
    """Return the style sheet that the dossier and the pages share."""
    return files(__package__).joinpath("templates", "dossier.css").read_text(encoding="utf-8")


@cache
def environment(*packages: str) -> Environment:
    """Return the Jinja2 environment with our macros, and the templates of `packages` before them.

    Everything is escaped, and cut: a template cannot forget to.
    """
    loaders = [PackageLoader(package) for package in (*packages, "weighbridge.dossier")]
    made = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_bounded,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(cut=cut, ticks=_ticks, whole=_whole)
    made.globals.update(
        anchor_of=anchor_of, as_estimate=as_estimate, columns=_columns, facts_of=facts_of, limits=_LIMITS, short=short
    )
    return made


def _bounded(value: Any) -> Any:
    """Cut what a template prints; markup of our own macros passes."""
    return value if isinstance(value, Markup) else cut(str(value))


def _whole(text: str) -> Markup:
    """Return text escaped, up to a length at which nobody reads on."""
    return escape(cut(text, _WHOLE))


def _ticks(text: str) -> Markup:
    """Return text with what stands between backticks set as code; everything is escaped."""
    parts = cut(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick: leave the text as it is
        return escape(cut(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _columns(labels: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return all behaviours that occur in any class of question, sorted."""
    return sorted({name for counts in labels.values() for name in counts})
