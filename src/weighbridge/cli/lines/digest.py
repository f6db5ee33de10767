"""How a digest, the queue and the plan read on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.dossier.digest.wording import rhythm_lines, time_text
from weighbridge.watch.digest.cost import total_cost

if TYPE_CHECKING:
    from weighbridge.dossier.digest.page import ToldDigest
    from weighbridge.dossier.digest.wording import ItemLines
    from weighbridge.dossier.locale import Locale
    from weighbridge.watch.digest.windows import Plan
    from weighbridge.workflow.digest import Waiting

__all__ = ["digest_lines", "plan_lines", "queue_lines"]


def digest_lines(told: ToldDigest, t: Locale) -> list[str]:
    """Return the digest, the most severe item first."""
    rows = [plain(told.lead), ""]
    for one in told.lines:
        rows += [*_item(one, t), ""]
    return rows if told.lines else [*rows, t("digest.none"), ""]


def _item(one: ItemLines, t: Locale) -> list[str]:
    rows = [plain(f"[{one.severity_word}] {one.title}")]
    for text in one.changed:
        rows += wrapped(plain(text))
    rows += [f"            | {plain(text)}" for text in one.diff]
    for text in one.why:
        rows += wrapped(f"{t('digest.why')}{t('figure.colon')}{text}")
    rows += wrapped(f"{t('digest.next')}{t('figure.colon')}{one.next} ({one.who})")
    for text in (*one.concerns, *one.suites, *one.places, one.dates, one.known, *one.notes):
        rows += wrapped(plain(text))
    rows += [f"            $ {plain(command)}" for command in one.commands]
    return rows


def queue_lines(found: list[Waiting], t: Locale) -> list[str]:
    """Return what waits, one decision after the other."""
    rows: list[str] = []
    for one in found:
        stake = one.stake
        what = ", ".join(t.label("event_kind", kind) for kind in one.reasons) or f"expired on {stake.expires_on}"
        rows.append(plain(f"[{t.label('event_severity', one.severity)}] {stake.name or stake.repository}: {what}"))
        for why in one.whys:
            rows += wrapped(why)
        rows.append(
            line("decision", f"{t.label('standing', stake.standing)} by `{stake.policy}`", f"until {stake.expires_on}")
        )
        rows.append(line("next", "; ".join(t.label("next_step", step) for step in one.next_steps)))
        if (total := total_cost(one.suites)) is not None:
            calls = "unknown" if total.calls is None else f"{total.calls[0]:,} to {total.calls[1]:,}"
            rows.append(line("takes", f"{calls} calls, {time_text(total.seconds, t)}: {total.suite}", total.basis))
        if one.rhythm is not None:
            for text in rhythm_lines(one.rhythm, t):
                rows += wrapped(plain(text))
        rows += [*(f"            $ {plain(command)}" for command in one.commands), ""]
    return rows


def plan_lines(plans: tuple[Plan, ...], t: Locale) -> list[str]:
    """Return each family with its rhythm and the decisions in it."""
    rows: list[str] = []
    for plan in plans:
        rows.append(plain(plan.rhythm.family) + ("" if plan.is_watched else " (not watched)"))
        for text in rhythm_lines(plan.rhythm, t):
            rows += wrapped(plain(text))
        for due in plan.decisions:
            stake = due.stake
            beside = {"before": "before the window", "within": "within the window", "after": "after the window"}
            place = beside.get(due.place, "no window to hold it against")
            rows.append(
                line(
                    "decision",
                    f"{stake.name or stake.repository} by `{stake.policy}`",
                    f"ends {stake.expires_on}, {place}",
                )
            )
        rows.append("")
    return rows
