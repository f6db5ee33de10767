"""The state of a pilot in SQL that SQLite and PostgreSQL both speak; sessions and schema come from each of them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import astuple
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.errors import StoreDamaged
from weighbridge.pilot.access.keys import Key, Rights, Secret
from weighbridge.pilot.state.journal import SQLJournal
from weighbridge.pilot.state.protocol import Lease, Spending, UsageRow, to_nano

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from weighbridge.pilot.access.keys import Budget
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.state.protocol import KeyBook, LeaseAsk
    from weighbridge.pilot.state.session import Session

__all__ = ["SQLState"]

_KEYS = "SELECT id, name, parent, rights, created_at, revoked_at, version FROM keys"
_SECRETS = "SELECT digest, key_id, until FROM secrets WHERE key_id IN (SELECT id FROM keys"
_CHARGE = (
    "INSERT INTO charges (key_id, period, nano_usd) VALUES (?, ?, ?)"
    " ON CONFLICT (key_id, period) DO UPDATE SET nano_usd = charges.nano_usd + excluded.nano_usd"
)
_MARK = "usage up to "  # and the hash of an audit record, as the name of a fact
_USE = (
    "INSERT INTO usage (day, key_id, route, requests, input_tokens, output_tokens, nano_usd)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, key_id, route) DO UPDATE SET"
    " requests = usage.requests + excluded.requests,"
    " input_tokens = usage.input_tokens + excluded.input_tokens,"
    " output_tokens = usage.output_tokens + excluded.output_tokens,"
    " nano_usd = usage.nano_usd + excluded.nano_usd"
)


class SQLState(SQLJournal):
    """What `PilotState` asks, over the sessions of a database."""

    def key_version(self) -> int:
        """Return the number that grows with every change of keys."""
        with self._reading() as ask:
            return _version(ask)

    def keys(self, since: int = 0) -> tuple[int, tuple[Key, ...]]:
        """Return the version, and the keys changed after version `since`, from one moment."""
        with self._reading() as ask:
            return _version(ask), _keys(ask, " WHERE version > ?", (since,))

    @contextmanager
    def changing_keys(self) -> Iterator[KeyBook]:
        """Change keys as a whole: all of it at the end, or nothing where the block raises."""
        with self._writing() as ask:
            # the row stays locked to the end: changes come one after another, and versions in the order of commits
            ((version,),) = ask("UPDATE key_version SET n = n + 1 WHERE one = 1 RETURNING n")
            yield _Book(ask, version)

    def hand_over(self, record: Recorder) -> None:
        """Give each note to `record`, and forget it; those that it raises at, and the ones after, stay."""
        while self._hand_over_one(record):
            pass

    def _hand_over_one(self, record: Recorder) -> bool:
        """Hand the oldest note over; False where there is none."""
        with self._writing() as ask:
            _lock(ask, "notes")
            rows = ask("DELETE FROM notes WHERE n = (SELECT min(n) FROM notes) RETURNING n, event, facts")
            for number, event, facts in rows:
                record(event, {**json.loads(facts), "note": number})
            return bool(rows)

    def lease(self, asks: Sequence[LeaseAsk]) -> list[Lease]:
        """Charge the payers of each wish, one wish after another, in one transaction."""
        with self._writing() as ask:
            # leases come one after another: between the look at a charge and its change nobody else charges
            _lock(ask, "leases")
            return [_grant(ask, wish) for wish in asks]

    def give_back(self, key_ids: Sequence[str], day: date, nano_usd: int) -> None:
        """Take off what was leased on a day and not used."""
        with self._writing() as ask:
            for key_id in sorted(key_ids):
                for period in _periods(day):
                    ask(_CHARGE, (key_id, period, -nano_usd))

    def spending(self, key_id: str, day: date) -> Spending:
        """Return what a key is charged with on this day, in its month, and in all."""
        with self._reading() as ask:
            return _spending(ask, key_id, day)

    def add_usage(self, rows: Iterable[UsageRow], mark: str = "", instead_of: str = "") -> None:
        """Add what was used, in one transaction; with it `mark` is kept, in the place of `instead_of`."""
        with self._writing() as ask:
            if mark:
                ask("DELETE FROM facts WHERE name = ?", (f"{_MARK}{instead_of}",))
                ask("INSERT INTO facts (name, value) VALUES (?, '') ON CONFLICT (name) DO NOTHING", (f"{_MARK}{mark}",))
            for row in sorted(rows, key=lambda row: (row.day, row.key_id, row.route)):  # one order: no deadlock
                ask(_USE, (row.day.isoformat(), *astuple(row)[1:]))

    def usage_marks(self) -> frozenset[str]:
        """Return the marks that are kept, those of all nodes."""
        with self._reading() as ask:
            rows = ask("SELECT name FROM facts WHERE name LIKE ?", (f"{_MARK}%",))
        return frozenset(name.removeprefix(_MARK) for (name,) in rows)

    def usage(self, since: date) -> list[UsageRow]:
        """Return what was used from this day on, by day, key and route."""
        with self._reading() as ask:
            rows = ask(
                "SELECT day, key_id, route, requests, input_tokens, output_tokens, nano_usd FROM usage"
                " WHERE day >= ? ORDER BY day, key_id, route",
                (since.isoformat(),),
            )
        return [UsageRow(date.fromisoformat(day), *others) for day, *others in rows]

    def used(self, day: date) -> dict[str, Spending]:
        """Return what each key's requests cost on this day, in its month, and in all."""
        with self._reading() as ask:
            rows = ask(
                "SELECT key_id, sum(CASE WHEN day = ? THEN nano_usd ELSE 0 END),"
                " sum(CASE WHEN day LIKE ? THEN nano_usd ELSE 0 END), sum(nano_usd) FROM usage GROUP BY key_id",
                (day.isoformat(), f"{day:%Y-%m}-%"),
            )
        return {key_id: Spending(*(int(nano) for nano in sums)) for key_id, *sums in rows}

    def same_pepper(self, mark: str) -> bool:
        """Whether keys here are digested with the pepper of this mark; the first one asked for is remembered."""
        with self._writing() as ask:
            ask("INSERT INTO facts (name, value) VALUES ('pepper', ?) ON CONFLICT (name) DO NOTHING", (mark,))
            ((known,),) = ask("SELECT value FROM facts WHERE name = 'pepper'")
            return bool(known == mark)


class _Book:
    """The keys inside of one change."""

    def __init__(self, ask: Session, version: int) -> None:
        self._ask = ask
        self._version = version

    def get(self, key_id: str) -> Key | None:
        """Return a key."""
        return next(iter(_keys(self._ask, " WHERE id = ?", (key_id,))), None)

    def every(self) -> tuple[Key, ...]:
        """Return all keys, in the order of their making."""
        return _keys(self._ask, "", ())

    def put(self, key: Key) -> None:
        """Keep a key, new or changed, with its secrets: those it has no more are forgotten."""
        rights = json.dumps(key.rights.to_json(), separators=(",", ":"), allow_nan=False)
        self._ask(
            "INSERT INTO keys (id, name, parent, rights, created_at, revoked_at, version) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, rights = excluded.rights,"
            " revoked_at = excluded.revoked_at, version = excluded.version",
            (key.id, key.name, key.parent, rights, key.created_at, key.revoked_at, self._version),
        )
        self._ask("DELETE FROM secrets WHERE key_id = ?", (key.id,))
        for secret in key.secrets:
            self._ask(
                "INSERT INTO secrets (digest, key_id, until) VALUES (?, ?, ?)",
                (secret.digest.hex(), key.id, secret.until),
            )

    def note(self, event: str, facts: Mapping[str, object]) -> None:
        """Leave a note of the change for the gateway's audit log."""
        self._ask("INSERT INTO notes (event, facts) VALUES (?, ?)", (event, json.dumps(dict(facts), allow_nan=False)))


def _lock(ask: Session, name: str) -> None:
    """Keep everyone else out to the end of the session."""
    ask("UPDATE facts SET value = value WHERE name = ?", (name,))


def _version(ask: Session) -> int:
    """Return the version of the keys."""
    ((version,),) = ask("SELECT n FROM key_version WHERE one = 1")
    return int(version)


def _keys(ask: Session, where: str, values: tuple[Any, ...]) -> tuple[Key, ...]:
    """Read keys with their secrets; raises StoreDamaged for a row that no Weighbridge wrote."""
    found = {row[0]: row for row in ask(f"{_KEYS}{where} ORDER BY created_at, id", values)}
    secrets: dict[str, list[Secret]] = {key_id: [] for key_id in found}
    try:
        for digest, key_id, until in ask(
            f"{_SECRETS}{where}) ORDER BY until IS NULL, until, digest",
            values,
        ):
            secrets[key_id].append(Secret(bytes.fromhex(digest), until))
        return tuple(_key(row, tuple(secrets[row[0]])) for row in found.values())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreDamaged("the state of the pilot is damaged: a key in it cannot be read") from error


def _key(row: Sequence[Any], secrets: tuple[Secret, ...]) -> Key:
    """Return a row as a key."""
    key_id, name, parent, rights, created_at, revoked_at, version = row
    return Key(key_id, name, Rights.from_json(json.loads(rights)), created_at, parent, revoked_at, secrets, version)


def _grant(ask: Session, wish: LeaseAsk) -> Lease:
    """Charge a wish to all its payers as far as the poorest can."""
    granted, short_of = wish.wanted, ""
    for key_id, budget in wish.payers:
        for name, room in _rooms(budget, _spending(ask, key_id, wish.day)):
            if room - wish.owed < granted:
                granted, short_of = max(0, room - wish.owed), name
    if granted or wish.owed:
        for key_id, _ in wish.payers:
            for period in _periods(wish.day):
                ask(_CHARGE, (key_id, period, granted + wish.owed))
    return Lease(granted, short_of)


def _rooms(budget: Budget, charged: Spending) -> Iterator[tuple[str, int]]:
    """Yield what each cap still leaves, in nano-dollars; less than nothing where it is overdrawn."""
    for name, cap, spent in (
        ("day", budget.usd_per_day, charged.day),
        ("month", budget.usd_per_month, charged.month),
        ("total", budget.usd_total, charged.total),
    ):
        if cap is not None:
            yield name, to_nano(cap) - spent


def _spending(ask: Session, key_id: str, day: date) -> Spending:
    """Return what a key is charged with."""
    periods = _periods(day)
    rows = ask("SELECT period, nano_usd FROM charges WHERE key_id = ? AND period IN (?, ?, ?)", (key_id, *periods))
    charged: dict[str, int] = dict(rows)
    return Spending(*(charged.get(period, 0) for period in periods))


def _periods(day: date) -> tuple[str, str, str]:
    """Return the names of the day, its month, and all time."""
    return day.isoformat(), f"{day:%Y-%m}", "total"
