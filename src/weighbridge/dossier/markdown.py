"""The dossier as Markdown: short, for a merge request or a ticket; the page and its JSON twin hold the items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.facts import facts_of
from weighbridge.dossier.figure import MEASURES, Figures
from weighbridge.dossier.further import further_sections
from weighbridge.dossier.locale import load_locale
from weighbridge.dossier.marked import escape, pairs, section_lines, table
from weighbridge.dossier.section import sections

if TYPE_CHECKING:
    from weighbridge.core.kinds import EstimateBody, SuiteBody
    from weighbridge.dossier.asked import Part
    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.record import Record

__all__ = ["escape", "render"]


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the document in UTF-8 in a language; raises UsageError for an unknown one."""
    figures = Figures(load_locale(language))
    t, decision, tally = figures.locale, dossier.decision, dossier.tally
    title = escape(t("document.title", name=dossier.name))
    verdict = t.label("verdict", decision["verdict"])
    counts = t("tally.line", met=tally.met, total=tally.total, not_met=tally.not_met, unknown=tally.unknown,
               waived=tally.waived)  # fmt: skip
    lines = [f"# {title}", "", f"**{escape(verdict)}** — {escape(counts)}", ""]
    lines += [escape(t.label("verdict_meaning", decision["verdict"])), ""]
    if dossier.stale:
        why, step = t.label("event_kind", dossier.stale.event_kind), t.label("next_step", dossier.stale.next_step)
        lines += [f"**{escape(t('digest.stale', why=why))}** {escape(t('digest.stale_next', next=step))}", ""]
    of = "files" if dossier.files else "model"
    for engine in dossier.asserted:
        lines += [f"**{escape(t(f'asserted.{of}', engine=engine))}**", ""]
    lines += pairs(
        (t("document.subject"), decision["subject"]),
        (t("document.policy"), f"{decision['policy_name']} {decision['policy_version']}"),
        (t("document.decided"), decision["on"]),
        (t("document.expires"), decision["expires_on"]),
    )
    for part in (_why, _change, _terms, _model, _examined, _measured, _looks, _made, _sign):
        lines += ["", *part(dossier, figures)]
    return ("\n".join(lines) + "\n").encode()


def _why(dossier: Dossier, figures: Figures) -> list[str]:
    """Return the rules and how they came out."""
    t = figures.locale
    head = [t(f"why.{name}") for name in ("outcome", "rule", "observed", "demand", "reason", "because", "evidence")]
    rows = [
        [
            t.label("outcome", "waived" if ruling["waived"] else ruling["outcome"]),
            ruling["rule"],
            figures.value(ruling["observed"], ruling["measure"], _part(dossier, ruling)),
            _demand(ruling, figures),
            t.label("reason", ruling["reason"]),
            ruling["because"],
            ", ".join(ruling["evidence"]) or "-",
        ]
        for ruling in dossier.rulings
    ]
    return [f"## {t('why.heading')}", "", *table(head, rows)]


def _part(dossier: Dossier, ruling: dict[str, Any]) -> Part | None:
    """Return the part of its suite that a ruling's figure comes from, where that is not the whole."""
    return next((dossier.parts[digest] for digest in ruling["evidence"][:1] if digest in dossier.parts), None)


def _demand(ruling: dict[str, Any], figures: Figures) -> str:
    """Return what a rule asks for, and of which suite."""
    demand = figures.demand(ruling["operator"], ruling["threshold"], ruling["measure"])
    return ", ".join(
        filter(
            None,
            [
                figures.locale.label("measure", ruling["measure"]) + figures.locale("figure.colon") + demand,
                figures.where(ruling),
            ],
        )
    )


def _change(dossier: Dossier, figures: Figures) -> list[str]:
    """Return what would change the verdict."""
    t = figures.locale
    open_rulings = [ruling for ruling in dossier.rulings if ruling["outcome"] != "pass"]
    lines = [f"## {t('change.heading')}", "", escape(t("change.lead" if open_rulings else "change.none")), ""]
    for ruling in open_rulings or dossier.rulings:
        lines.append(f"- **{escape(ruling['rule'])}**: {escape(ruling['would_change'])}")
        if ruling["command"]:
            lines.append(f"  {escape(t('change.run'))}: {escape(ruling['command'])}")
    return lines


def _terms(dossier: Dossier, figures: Figures) -> list[str]:
    """Return intended use, conditions and waivers."""
    t, decision = figures.locale, dossier.decision
    lines = [f"## {t('terms.heading')}", ""]
    lines += pairs(
        *(
            (t.label("use", key), figures.value(value, key))
            for key, value in decision["use"].items()
            if value not in (None, [])
        )
    )
    lines += ["", *(f"- {escape(condition)}" for condition in decision["conditions"] or [t("terms.no_conditions")])]
    waived = [ruling["waived"] for ruling in dossier.rulings if ruling["waived"]]
    if not waived:
        return [*lines, "", escape(t("terms.no_waivers"))]
    head = [t("why.rule"), *(t(f"terms.{name}") for name in ("until", "by")), t("why.because"), t("terms.ticket")]
    rows = [[w["rule"], w["until"], w["by"], w["because"], w["ticket"] or "-"] for w in waived]
    return [*lines, "", *table(head, rows)]


def _model(dossier: Dossier, figures: Figures) -> list[str]:
    """Return files, findings, anatomy and card."""
    t = figures.locale
    lines = [f"## {t('model.heading')}", ""]
    if dossier.files:
        rows = [[one.name, figures.number(one.size, "bytes"), one.sha256] for one in dossier.files.body.files]
        lines += table([t("model.file"), t("model.size"), "SHA-256"], rows)
        found = [[f.severity, f.check, f.place, f.message] for f in dossier.files.body.findings]
        lines += ["", *table([t(f"model.{name}") for name in ("severity", "check", "place", "message")], found)]
    for heading, record in (("model.anatomy", dossier.anatomy), ("model.card", dossier.card)):
        lines += ["", f"### {t(heading)}", ""]
        rows = [
            [t.label("measure", name), t("model.not_said") if value is None else figures.value(value, name)]
            for name, value in (facts_of(record.body) if record else ())
        ]
        lines += table([t("model.field"), t("model.value")], rows) if rows else [t("model.absent")]
    if dossier.anatomy and (differing := dossier.anatomy.body.disagreements):
        lines += ["", f"### {t('model.disagreements')}", ""]
        lines += [f"- {escape(one.name)}: {escape(one.message)}" for one in differing]
    return [*lines, "", escape(t("model.tag_warning"))]


def _examined(dossier: Dossier, figures: Figures) -> list[str]:
    """Return licence, safety, lineage, openness and fit."""
    lines = [f"## {figures.locale('examined.heading')}"]
    for section in sections(dossier, figures):
        lines += section_lines(section, figures)
    return lines


def _measured(dossier: Dossier, figures: Figures) -> list[str]:
    """Return every estimate with interval, count and the evidence that holds its items, then how each was asked."""
    t = figures.locale
    records: tuple[Record[Any], ...]
    records = (*dossier.scores, *dossier.behaviours, *dossier.latencies, *dossier.comparisons)
    rows = [
        [dossier.titles[record.id], t.label("measure", name), _estimate(dossier, record, name, figures), record.id]
        for record in records
        for name in MEASURES
        if hasattr(record.body, name)
    ]
    lines = [f"## {t('measured.heading')}", ""]
    lines += table([t(f"measured.{name}") for name in ("suite", "measure", "estimate")] + [t("why.evidence")], rows)
    if records:
        lines += ["", f"### {t('measured.how')}", ""]
    for record in records:
        title = t.label("kind", record.evidence.kind) + t("figure.colon") + dossier.titles[record.id]
        lines += [f"- **{escape(title)}**", *(f"  {line}" for line in _asked(record, figures))]
    notes = [f"- {escape(dossier.titles[one.id])}: {escape(one.body.calibration)}" for one in dossier.behaviours]
    lines += ["", f"### {t('measured.calibration')}", "", *notes] if notes else []
    for section in further_sections(dossier, figures):
        lines += section_lines(section, figures)
    return lines


def _estimate(dossier: Dossier, record: Record[Any], measure: str, figures: Figures) -> str:
    """Return one estimate, or that there is none: the row stays."""
    found: EstimateBody | None = getattr(record.body, measure)
    if found is None:
        return figures.missing(measure)
    return str(figures.estimate(found, measure, dossier.parts.get(record.id)))


def _asked(record: Record[Any], figures: Figures) -> list[str]:
    """Return engine, prompt form and suite of one measurement."""
    t, suite, engine = figures.locale, record.body.suite, getattr(record.body, "engine", None)
    told = [(t("measured.form"), record.body.form), (t("measured.suite"), _named(suite, figures))]
    if engine:
        parts = (f"{engine.name} {engine.version or ''}".strip(), engine.model, engine.address)
        served = t("measured.engine_asserted" if engine.asserted else "measured.engine_loaded")
        told.insert(0, (t("measured.engine"), " · ".join([*filter(None, parts), served])))
    return pairs(*told)


def _named(suite: SuiteBody, figures: Figures) -> str:
    """Return a suite's name, version and digest."""
    return f"{suite.name} · {figures.locale('document.version', version=suite.version)} · {suite.digest}"


def _looks(dossier: Dossier, figures: Figures) -> list[str]:
    """Return what was looked at and what was not."""
    t = figures.locale
    rows = [
        [t(f"area.{one.area}"), one.looked, t("look.measured") if one.found is None else one.found, one.left]
        if one.looked
        else [t(f"area.{one.area}"), "-", "-", "-"]
        for one in dossier.looks
    ]
    head = [t(f"look.{name}") for name in ("area", "looked", "found", "left")]
    return [f"## {t('look.heading')}", "", escape(t("look.legend")), "", *table(head, rows)]


def _made(dossier: Dossier, figures: Figures) -> list[str]:
    """Return the evidence and the policy behind the dossier."""
    t = figures.locale
    rows = [
        [
            one.evidence.kind,
            one.id,
            one.evidence.made_on,
            f"{one.evidence.producer.name} {one.evidence.producer.version}",
        ]
        if one.evidence
        else ["-", one.id, "-", t("made.not_at_hand")]
        for one in dossier.sources
    ]
    head = [t(f"made.{name}") for name in ("kind", "evidence", "on", "producer")]
    digest = pairs((t("made.policy_digest"), dossier.decision["policy_digest"]))
    return [f"## {t('made.heading')}", "", *table(head, rows), "", *digest]


def _sign(_dossier: Dossier, figures: Figures) -> list[str]:
    """Return the signature lines."""
    t = figures.locale
    head = [t("sign.heading"), *(t(f"sign.{name}") for name in ("signature", "name", "date"))]
    rows = [[t(f"sign.{role}"), "", "", ""] for role in ("lawyer", "engineer", "auditor")]
    return [f"## {t('sign.heading')}", "", escape(t("sign.lead")), "", *table(head, rows)]
