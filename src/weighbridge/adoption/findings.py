"""What a reader must know beside a share: each a warning with a code, silent where nothing is the matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.adoption.definition import UNKNOWN, tasks_of
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from weighbridge.adoption.changes import Change
    from weighbridge.adoption.coverage import Coverage
    from weighbridge.adoption.definition import Definition
    from weighbridge.adoption.listing.snapshot import Snapshot
    from weighbridge.adoption.shares import Shares

__all__ = ["Finding", "find"]

_SOME = 0.05  # of the downloads: so much unknown moves a share by about as much
_FEW = 0.10
_FAR = 0.15  # points that unknown rows could move a leading share at the worst: from here on a strong warning
_MOST = 0.50  # unknown beyond this is a strong one: the share says more of the tags than of the models
_ONE = 0.03  # of the population: what one repository may hold (a fixture of test runs, Qwen3-0.6B, held 4.5%)
_SAME = 0.20  # of common rows with the very same count: not refreshed
_GROWN = 1.5  # rows of one snapshot to the next
_LATE_DAYS = 45  # from the newest creation to the day in the file's name
_FEW_MODELS = 100
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One warning: a stable code, severity `strong`, `warning` or `note`, and one sentence for people."""

    code: str
    severity: str
    message: str


def find(
    snapshot: Snapshot, definition: Definition, shares: Shares, coverage: Coverage, change: Change | None
) -> list[Finding]:
    """Return the warnings on one share, the strongest first."""
    found = [
        *_filters(definition, shares, coverage),
        *_unknown_keys(definition, shares, coverage),
        *_source(snapshot, coverage),
        *_counts(snapshot, definition, change),
        *_dates(snapshot),
        *_concentration(shares, coverage),
        *(_change(change) if change else ()),
    ]
    return sorted(found, key=lambda one: ("strong", "warning", "note").index(one.severity))


def _filters(definition: Definition, shares: Shares, coverage: Coverage) -> Iterator[Finding]:
    """Warn of filters that rest on a column which nobody filled in, with what the share could be."""
    if not shares.total:
        said = f"{coverage.of['task'].rows:.0%} of the rows have a task, {coverage.of['created'].rows:.0%} a day"
        yield Finding("empty-population", "strong", f"nothing that weighs is in the population, so no share: {said}")
        return
    rests_on = {"task": bool(tasks_of(definition.population)), "created": definition.created_after is not None}
    for column in [name for name, is_used in rests_on.items() if is_used]:
        known = coverage.of[column]
        if known.weight is None or 1 - known.weight < _SOME:
            continue
        unknown = 1 - known.weight
        severity = "strong" if unknown >= _MOST or _farthest(shares) > _FAR else "warning"
        what = "the filter by task" if column == "task" else "the filter by day of creation"
        yield Finding(
            f"{column}-mostly-unknown" if unknown >= _MOST else f"{column}-often-unknown",
            severity,
            f"{what} rests on a column that is unknown for {unknown:.0%} of the {definition.metric} "
            f"({1 - known.rows:.0%} of the rows): this share is of what is tagged, not of "
            f"{definition.population} models; {_could_be(shares)}",
        )
    if shares.n < _FEW_MODELS:
        yield Finding("few-models", "warning", f"the population has {shares.n} repositories only")


def _farthest(shares: Shares) -> float:
    """Return how far, at the worst, a leading share can lie from what it would be with the rows in doubt."""
    keys = [key for key in shares.groups if key in shares.bounds][:2]
    return max(
        (
            max(shares.groups[key].share - shares.bounds[key].low, shares.bounds[key].high - shares.groups[key].share)
            for key in keys
        ),
        default=0.0,
    )


def _could_be(shares: Shares) -> str:
    """Say what the largest keys could be if the rows in doubt belonged."""
    keys = [key for key in shares.groups if key in shares.bounds][:2]
    parts = (
        f"{key} {shares.groups[key].share:.1%} (all of them in: {shares.bounds[key].if_all:.1%}; "
        f"at the worst {shares.bounds[key].low:.0%} to {shares.bounds[key].high:.0%})"
        for key in keys
    )
    return f"with the unknown rows it could be {'; '.join(parts)}"


def _unknown_keys(definition: Definition, shares: Shares, coverage: Coverage) -> Iterator[Finding]:
    """Warn where much of the population has no key of the kind asked for."""
    column = definition.by
    if definition.by == "publisher" or not shares.total:
        return
    if definition.by == "family":
        unknown = shares.shares.get(UNKNOWN, 0.0)
    else:
        if definition.by not in {"size", "licence"}:
            column = "base" if definition.attribution == "base" else "country"
        known = coverage.of[column].weight
        unknown = 0.0 if known is None else 1 - known
    if unknown >= 2 * _FEW:
        what = "country of the publisher" if column == "country" else column
        yield Finding(
            f"{column}-unknown",
            "strong" if unknown >= _MOST else "warning",
            f"the {what} is unknown for {unknown:.0%} of the population's {definition.metric}: "
            "each share is a lower bound",
        )


def _source(snapshot: Snapshot, coverage: Coverage) -> Iterator[Finding]:
    """Warn of rows that are missing, repeated or uncounted."""
    if coverage.likely_cut_at:
        yield Finding(
            "truncated",
            "note",
            f"the snapshot looks cut: of the rows with any downloads nine in ten have {coverage.likely_cut_at:,} or "
            "more, and most of a hub's have fewer than ten; shares are of the most downloaded",
        )
    if snapshot.duplicates:
        severity = "warning" if snapshot.conflicting else "note"
        more = f", {snapshot.conflicting} of them with another count" if snapshot.conflicting else ""
        yield Finding(
            "duplicates", severity, f"{snapshot.duplicates} rows repeat a repository{more}: the largest count was taken"
        )
    if snapshot.spelled:
        said = f"{snapshot.spelled} rows repeat a repository in other letter case, which a hub ignores: joined"
        yield Finding("letter-case", "note", said)
    if snapshot.split:
        said = f"{snapshot.split} rows differ from others in letter case only, and have another count: both are counted"
        yield Finding("letter-case-counts", "note", said)
    if snapshot.dropped:
        yield Finding("no-id", "warning", f"{snapshot.dropped} rows name no repository and were left out")


def _counts(snapshot: Snapshot, definition: Definition, change: Change | None) -> Iterator[Finding]:
    """Warn of rows without a count that could weigh, by their likes or by the snapshot before, and of other counts."""
    if snapshot.uncounted and definition.metric == "downloads":
        share = snapshot.uncounted / snapshot.rows
        likes, before = snapshot.uncounted_likes or 0.0, change.uncounted if change else 0.0
        weighs = max(share if snapshot.uncounted_likes is None and not change else 0.0, likes, before)
        severity = "strong" if weighs >= _MOST else "warning" if weighs >= _SOME or share >= _FEW else "note"
        said = f"; {likes:.0%} of all likes are theirs" if likes >= _SOME else ""
        said += f"; {before:.0%} of the downloads in the snapshot before were theirs" if before >= _SOME else ""
        yield Finding(
            "uncounted", severity, f"{snapshot.uncounted:,} rows ({share:.1%}) have no count of downloads{said}"
        )
    if snapshot.unread and definition.metric == "downloads":
        used, other = snapshot.columns["downloads"][0], snapshot.unread[0]
        yield Finding(
            "other-counts",
            "warning" if snapshot.uncounted else "note",
            f"the file has two counts, {quote(used)} and {quote(other)}: only the first was read, also where it is "
            f"empty; `--column downloads={other}` reads the other",
        )


def _dates(snapshot: Snapshot) -> Iterator[Finding]:
    """Warn where the day in the file's name and the days in it do not agree."""
    if snapshot.data_date is None:
        yield Finding("no-date", "note", "neither the file's name nor its rows say of which day the counts are")
        return
    if snapshot.dated is None:
        said = f"the file's name has no day: {snapshot.newest}, when the newest repository was created, stands for it"
        yield Finding("date-by-content", "note", said)
        return
    if snapshot.newest is None:
        return
    days = (snapshot.dated - snapshot.newest).days
    if days < 0:
        yield Finding("date-before-content", "warning", _disagree(snapshot, snapshot.newest))
    elif days > _LATE_DAYS:
        yield Finding("date-after-content", "warning", _disagree(snapshot, snapshot.newest))


def _disagree(snapshot: Snapshot, newest: date) -> str:
    return (
        f"the name {quote(snapshot.name)} says {snapshot.dated}, and the newest repository in it was created on "
        f"{newest}: one of them is wrong, or the listing is of another day"
    )


def _concentration(shares: Shares, coverage: Coverage) -> Iterator[Finding]:
    """Warn of repositories that hold much of the population alone."""
    large = [(name, share) for name, share in shares.largest if share > _ONE]
    if large and shares.n >= _FEW_MODELS:
        named = ", ".join(f"{quote(name)} {share:.1%}" for name, share in large[:_NAMED])
        one = len(large) == 1
        yield Finding(
            "concentration",
            "warning" if large[0][1] > 2 * _ONE else "note",
            f"{named} hold{'s' if one else ''} more than {_ONE:.0%} {'' if one else 'each '}of the population: "
            "often small models that test runs fetch again and again; see `top_k` for the shares without",
        )
    if far := [(name, share) for name, share in shares.doubtful if share > _ONE]:
        named = ", ".join(f"{quote(name)} {share:.1%}" for name, share in far)
        yield Finding(
            "outlier",
            "warning",
            f"nobody can say whether {named} belong{'s' if len(far) == 1 else ''} to the population, beside which "
            f"{'it weighs' if len(far) == 1 else 'they weigh'} so much",
        )
    if coverage.test_share > 0.01:  # noqa: PLR2004 - one in a hundred
        yield Finding("test-artefacts", "note", f"{coverage.test_share:.1%} are of publishers of test artefacts")


def _change(change: Change) -> Iterator[Finding]:
    """Warn where two snapshots show a source that was not refreshed, or grew, or jumped."""
    if change.common and change.same / change.common >= _SAME:
        yield Finding(
            "stale-source",
            "strong" if change.same_downloads >= _MOST else "warning",
            f"{change.same / change.common:.0%} of the {change.common:,} repositories with 100 downloads or more that "
            f"are in {quote(change.earlier)} too have the very same count in both ({change.same_downloads:.0%} of the "
            "downloads): the source did not refresh them, so a change over time is not to be read from them",
        )
    ratio = change.rows_after / change.rows_before if change.rows_before else 1.0
    if max(ratio, 1 / ratio if ratio else _GROWN) > _GROWN:
        yield Finding(
            "composition",
            "note",
            f"{change.rows_before:,} rows became {change.rows_after:,}: part of a change of share is the "
            "other selection",
        )
    if change.jumps:
        named = ", ".join(f"{quote(name)} {before:,} to {after:,}" for name, before, after in change.jumps[:_NAMED])
        more = f" and {len(change.jumps) - _NAMED} more" if len(change.jumps) > _NAMED else ""
        yield Finding("jumps", "warning", f"counts that changed twentyfold and weigh: {named}{more}")
