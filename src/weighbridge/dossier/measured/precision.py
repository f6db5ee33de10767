"""Quantization loss: how far a coarser copy is from the original, beside how far that is from itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import Section, Table, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import EstimateBody, PrecisionV1
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["precision_section"]

_NATS = ("kl", "noise_kl", "kl_beyond_noise")
_SHARES = ("flips", "noise_flips", "flips_beyond_noise")
_COUNTS = ("positions", "unanswered", "identical", "noise_identical", "capped", "top_tokens")
_WORST = 10


def precision_section(body: PrecisionV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange a `precision/v1`; whether it is beyond noise comes first."""
    t = figures.locale
    heading = t.label("kind", "precision/v1") + t("figure.colon") + t("measured.against", name=body.original_name)
    tables = (facts_table(t("precision.caption"), _rows(body, figures), figures), *_worst(body, figures))
    lead = (t("precision.bound", seen=figures.number(body.seen, "share"), top=body.top_tokens),)
    main = t("precision.beyond" if body.differs else "precision.within")
    return Section("precision", heading, anchor, lead, tables, main, (t("precision.texts_only"),))


def _rows(body: PrecisionV1, figures: Figures) -> Iterator[tuple[str, str]]:
    t = figures.locale
    for name in (*_NATS, *_SHARES, "perplexity_ratio"):
        found: EstimateBody | None = getattr(body, name)
        measure = "accuracy" if name in _SHARES else name
        yield _word(name, t), str(figures.estimate(found, measure)) if found else "-"
    for name in ("kl_median", "kl_worst"):
        yield t(f"measure.{name}"), f"{getattr(body, name):.4g}"
    for name in _COUNTS:
        yield _word(name, t), f"{getattr(body, name):,}"
    yield t("measure.original"), body.original
    yield t("measure.texts_name"), body.texts_name
    yield t("measure.tokenizer"), body.tokenizer
    for name, engine in (("engine", body.engine), ("original_engine", body.original_engine)):
        yield t(f"measure.{name}"), " · ".join(filter(None, (engine.name, engine.model, engine.address)))


def _word(name: str, t: Locale) -> str:
    """Return the word of a field; some fields of other kinds have the same name and another meaning."""
    return t.label("precision", name) if f"precision.{name}" in t.words else t(f"measure.{name}")


def _worst(body: PrecisionV1, figures: Figures) -> Iterator[Table]:
    """Yield the positions that are furthest apart; tokens are a stranger's words."""
    t = figures.locale
    far = sorted(body.items, key=lambda one: (-one.kl, one.id))[:_WORST]
    rows = tuple((one.id, f"{one.kl:.3g}", one.original_top, one.top) for one in far if one.kl > 0)
    if rows:
        head = (t("precision.position"), t("measure.kl"), t("precision.original_top"), t("precision.top"))
        yield Table(t("precision.worst", count=len(rows)), head, rows)
