"""How keys of the gateway and what they spent read on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.core.digest import short
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.dossier.locale import Locale
    from weighbridge.pilot.alarm.alarms import Alarm

__all__ = ["alarm_lines", "key_line", "key_lines", "spend_lines"]

_BUDGETS = {"usd_per_day": "day", "usd_per_month": "month", "usd_total": "total"}
_CENT = 0.01
_LIMITS = {
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
    "concurrent": "requests at once",
}


def alarm_lines(alarm: Alarm, t: Locale) -> Iterator[str]:
    """Yield the lines of one alarm: what it is about, why, and what was found out."""
    state = t.label("told_message", alarm.severity) if alarm.is_open else t("told_alarm.is_answered")
    yield line(state, f"{short(alarm.id)}  {alarm.route}: {alarm.event}")
    yield line("", t("told_alarm.decision", at=alarm.seen_at, decision=short(alarm.decision)))
    yield from wrapped(told(alarm.event, alarm.facts, alarm.why, t.language))
    if not alarm.is_open:
        yield from wrapped(t("told_alarm.answered", at=alarm.answered_at, because=alarm.because))


def key_line(facts: Mapping[str, Any]) -> str:
    """Return one line of a list: id, state, when it ends, tenant, name."""
    until = facts["expires_at"][:10] if facts["expires_at"] else "no end"
    return plain(f"  {facts['id']:<13} {facts['state']:<8} {until:<11} {facts['tenant']:<16} {facts['name']}")


def key_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines that show one key whole."""
    yield line("key", f"{facts['id']}  {facts['name']}", facts["state"])
    yield line("tenant", facts["tenant"])
    yield line("scopes", ", ".join(facts["scopes"]))
    yield line("models", "all" if facts["models"] is None else ", ".join(facts["models"]))
    yield line("made", facts["created_at"], f"by {facts['made_by']}" if facts["made_by"] else "")
    yield line("expires", facts["expires_at"] or "never")
    if facts["revoked_at"]:
        yield line("revoked", facts["revoked_at"])
    limits = [f"{facts['limits'][name]:,} {words}" for name, words in _LIMITS.items() if facts["limits"][name]]
    yield line("limits", ", ".join(limits) or "none", "each node counts for itself" if limits else "")
    for name, period in _BUDGETS.items():
        cap, charged = facts["budget"][name], facts["charged_usd"][period]
        if cap is not None:
            yield line("budget", f"{period:<6} ${_usd(cap)}", f"${_usd(charged)} charged")


def spend_lines(rows: list[dict[str, Any]], by: str) -> Iterator[str]:
    """Return a table of sums in 80 columns, a key's name beside its id."""
    yield f"  {by:<28}{'requests':>11}{'tokens in':>13}{'tokens out':>13}{'USD':>13}"
    for row in rows:
        label = f"{row[by]} {row.get('name', '')}"[:28]
        counts = f"{row['requests']:>11,}{row['input_tokens']:>13,}{row['output_tokens']:>13,}"
        yield plain(f"  {label:<28}{counts}{_usd(row['usd']):>13}")


def _usd(value: float) -> str:
    """Write money: cents, four digits where there is more, and under a cent all that there are (to 1e-9)."""
    text = f"{value:,.{4 if abs(value) >= _CENT else 9}f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"
