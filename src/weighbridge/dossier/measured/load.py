"""Load: the stretches that were measured, service levels, another model at the same rate, and the roofline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.dossier.block import Section, Table, cut_rows, facts_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.kinds import EstimateBody, LoadV1
    from weighbridge.core.kinds.load import AgainstBody, PointBody, QuantilesBody
    from weighbridge.dossier.figure import Figures
    from weighbridge.dossier.locale import Locale

__all__ = ["load_section"]

_QUANTILES = ("p50", "p95", "p99")


def load_section(body: LoadV1, figures: Figures, *, anchor: str) -> Section:
    """Arrange a `load/v1`; the verdicts of service levels stand first."""
    t = figures.locale
    verdicts = [one.verdict for one in body.slo.values()]
    state = "none" if not verdicts else next((one for one in ("not met", "undecided") if one in verdicts), "met")
    lead = [t("load.valid" if body.valid else "load.invalid")]
    lead += [t("load.best_rate", rate=f"{body.best_rate:g}")] if body.best_rate is not None else []
    caveats = [*body.headline.invalid_because, *body.headline.notes]
    caveats += [t("load.growing")] if body.headline.growing else []
    tables = (
        *_levels(body, figures),
        *_points(body, figures),
        *(_against(body.against, figures) if body.against else ()),
        facts_table(t("conduct.made"), _facts(body, figures), figures),
    )
    heading = t.label("kind", "load/v1") + t("figure.colon") + body.engine.model
    return Section("load", heading, anchor, tuple(lead), tables, t(f"load.slo_{state.replace(' ', '_')}"),
                   tuple(caveats))  # fmt: skip


def _seconds(estimate: EstimateBody | None, quantiles: QuantilesBody, name: str, figures: Figures) -> str:
    """Write a percentile; beyond the time-out it is at least what is known of it."""
    if estimate is not None:
        return str(figures.estimate(estimate, "time_s"))
    beyond = quantiles.beyond.get(name)
    if beyond is None:
        return "-"
    low = "?" if beyond.low is None else figures.number(beyond.low, "seconds")
    return figures.locale("load.beyond", low=low)


def _levels(body: LoadV1, figures: Figures) -> Iterator[Table]:
    t = figures.locale
    rows = tuple(
        (
            t.label("load", metric),
            t("load.limit", limit=figures.number(one.limit_s, "seconds"), allowed=figures.bound(one.allowed, "share")),
            str(figures.estimate(one.exceeded, "accuracy")) if one.exceeded else "-",
            t.label("load_verdict", one.verdict),
        )
        for metric, one in body.slo.items()
    )
    if rows:
        head = tuple(t(f"load.{name}") for name in ("metric", "level", "exceeded", "verdict"))
        yield Table(t("load.levels"), head, rows, ours=True)


def _points(body: LoadV1, figures: Figures) -> Iterator[Table]:
    """Yield the stretches, one row a metric, so that no row is wider than a page."""
    t = figures.locale
    rows = [row for number, point in enumerate(body.points, 1) for row in _point(number, point, figures)]
    caption, kept = cut_rows(t("load.points"), rows, figures)
    head = (t("load.stretch"), t("load.metric"), *_QUANTILES, t("load.requests"), t("load.tokens_s"), t("load.usable"))
    if kept:
        yield Table(caption, head, kept, ours=True)


def _point(number: int, point: PointBody, figures: Figures) -> Iterator[tuple[str, ...]]:
    t = figures.locale
    pace = t("load.open", rate=f"{point.rate:g}") if point.rate is not None else t("load.closed", users=point.users)
    asked = t("load.counted", requests=f"{point.requests:,}", errors=point.errors, timeouts=point.timeouts)
    speed = f"{point.output_tokens_s:,.4g}" if point.output_tokens_s is not None else "-"
    for name in ("ttft", "tpot", "e2e"):
        quantiles: QuantilesBody = getattr(point, name)
        told = (_seconds(getattr(quantiles, one), quantiles, one, figures) for one in _QUANTILES)
        usable = figures.value(point.valid, "valid")
        yield (f"{number}: {pace}", t.label("load", name), *told, asked, speed, usable)


def _against(against: AgainstBody, figures: Figures) -> Iterator[Table]:
    t = figures.locale
    rows = []
    for metric, ratios in against.ratios.items():
        slower = against.slower.get(metric)
        told = (_ratio(getattr(ratios, one), t) for one in _QUANTILES)
        verdict = "-" if slower is None else t(
            "load.slower", allowed=f"{slower.allowed:g}", verdict=t.label("load_verdict", slower.verdict)
        )  # fmt: skip
        rows.append((t.label("load", metric), *told, verdict))
    head = (t("load.metric"), *_QUANTILES, t("load.verdict"))
    if rows:
        yield Table(t("load.ratios", name=against.baseline_name, rounds=against.rounds), head, tuple(rows), ours=True)


def _ratio(estimate: EstimateBody | None, t: Locale) -> str:
    if estimate is None:
        return "-"
    count = t("figure.count", n=f"{estimate.n:,}")
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}], {count}"


def _facts(body: LoadV1, figures: Figures) -> Iterator[tuple[str, str]]:
    t, engine, roof = figures.locale, body.engine, body.roofline
    yield t("measured.engine"), " · ".join(filter(None, (engine.name, engine.model, engine.address)))
    yield t("measured.machine"), body.machine
    yield t("load.traffic"), "; ".join((*body.traffic.shapes, body.traffic.form, body.traffic.max_tokens))
    if roof:
        shares = {"share": figures.number(roof.share, "share"), "device": f"{roof.devices} x {roof.device}"}
        yield t("load.roofline"), t("load.roof", **shares, bound=f"{roof.bound_tokens_s:,.0f}", binds=roof.binds)
    if (price := body.headline.usd_per_million_output) is not None:
        yield t("load.price"), f"{price:.4g} USD"
    yield t("measure.list_prices"), "; ".join(f"{host} {price:g} USD" for host, price in body.list_prices.items())
