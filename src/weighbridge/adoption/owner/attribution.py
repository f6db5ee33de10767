"""Whom each repository's downloads belong to: its publisher, and the base model that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.adoption.definition import UNKNOWN, UNLISTED, companions, nowhere, passes_on, size_classes
from weighbridge.adoption.listing.database import literal
from weighbridge.adoption.owner.chain import follow_bases, make_edges
from weighbridge.adoption.owner.families import name_families, with_cores

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.adoption.listing.database import Database
    from weighbridge.knowledge.protocol import Known

__all__ = ["attribute"]


def attribute(database: Database, known: Known, by: str) -> None:
    """Make `weighed` from `candidates` and `declared` (id, base): one row a candidate, with whom it belongs to.

    Columns: node, downloads, weight, belongs, has_country (of the publisher), has_licence, has_size, is_test (a listed
    publisher of test artefacts), publisher_key, base_key and base_by. The keys are those of `by` (see
    `definition.DIMENSIONS`); `base_by` says how the base was found: relation, name, publisher (a maker's own), fallback
    (nothing says; counted to the publisher), unlisted, mixed (bases of several keys) or unresolved (a circle, or a
    chain longer than `chain.MAX_DEPTH`).
    """
    _keep_organisations(database, known)
    parts, below = companions()
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE companions AS SELECT rowid AS node FROM listing
        WHERE coalesce(parameters, 0) < {below}
            AND regexp_matches(lower(split_part(id, '/', -1)), {literal(parts)})"""  # noqa: S608 - texts of ours
    )
    make_edges(database)
    _make_nodes(database, known, every=by == "family")
    name_families(database, known)
    _make_roots(database, by)
    follow_bases(database, _nobody(by))
    _join(database, by)
    database.rows("DROP VIEW owned")
    for table in ("companions", "nodes", "named", "roots", "followed", "edges", "outside"):
        database.rows(f"DROP TABLE {table}")


def _texts(values: Iterable[str]) -> str:
    return ", ".join(literal(value) for value in values)


def _nobody(by: str) -> str:
    """Return the key of what belongs to nobody that is known."""
    return UNKNOWN if by in {"family", "size", "licence"} else UNLISTED


def _keep_organisations(database: Database, known: Known) -> None:
    rows = {  # a hub ignores letter case; the last of two spellings stays
        name.lower(): (name.lower(), name, UNLISTED if one.country in nowhere() else one.country, one.kind)
        for name, one in known.organisations.items()
    }
    columns = ("low VARCHAR", "listed_as VARCHAR", "country VARCHAR", "kind VARCHAR")
    database.keep("organisations", columns, list(rows.values()))


def _make_nodes(database: Database, known: Known, *, every: bool) -> None:
    """Make `nodes`: the repositories that keys are read from, those that stand on no other; with `every`, all."""
    passing = _texts([*passes_on(), UNLISTED])
    stands = "" if every else "ANTI JOIN edges USING (node)"
    needed = "true" if every else "passes"
    source = f"""
        SELECT node, coalesce(listed_as, namespace) AS namespace, country, kind, passes,
            CASE WHEN {needed} AND node NOT IN (FROM companions) THEN lower(split_part(id, '/', -1)) END AS name
        FROM (SELECT node, id, namespace, listed_as, country,
                coalesce(kind, '{UNLISTED}') AS kind, coalesce(kind, '{UNLISTED}') IN ({passing}) AS passes
            FROM (SELECT node, id, {_NAMESPACE} AS namespace FROM (
                SELECT node, id FROM listed {stands} WHERE counts OR node IN (SELECT base FROM edges)
                UNION ALL SELECT node, id FROM outside))
            LEFT JOIN organisations ON low = lower(namespace))"""  # noqa: S608 - texts of ours
    database.rows(f"CREATE OR REPLACE TEMP TABLE nodes AS {with_cores(source, known)}")


_NAMESPACE = "CASE WHEN contains(id, '/') THEN split_part(id, '/', 1) ELSE '' END"


def _make_roots(database: Database, by: str) -> None:
    """Make `roots` (node, base_key, base_by): whom a repository belongs to that stands on no other."""
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE roots AS
        SELECT node, {_base_key(by)} AS base_key,
            CASE WHEN NOT passes THEN 'publisher' WHEN family IS NOT NULL THEN 'name'
                WHEN kind <> '{UNLISTED}' THEN 'fallback' ELSE '{UNLISTED}' END AS base_by
        FROM (SELECT nodes.*, named.family, named.maker FROM nodes
                LEFT JOIN named USING (core))
        LEFT JOIN (SELECT listed_as AS maker, country AS maker_country, kind AS maker_kind FROM organisations)
            USING (maker)"""  # noqa: S608 - texts of ours
    )


def _publisher_key(by: str) -> str:
    """Return SQL of the key by publisher, over namespace, country and kind."""
    return {
        "country": f"coalesce(country, '{UNLISTED}')",
        "kind": f"coalesce(kind, '{UNLISTED}')",
        "maker": f"CASE WHEN coalesce(kind, '{UNLISTED}') <> '{UNLISTED}' THEN namespace ELSE '{UNLISTED}' END",
        "publisher": f"CASE WHEN namespace <> '' THEN namespace ELSE '{UNLISTED}' END",
    }[by]


def _base_key(by: str) -> str:
    """Return SQL of the key by base, over what `_make_roots` joins."""
    if by == "family":
        return f"coalesce(family, '{UNKNOWN}')"
    if by in {"size", "licence"}:
        return "''"
    named = {
        "country": f"coalesce(maker_country, '{UNLISTED}')",
        "kind": f"coalesce(maker_kind, '{UNLISTED}')",
        "maker": "maker",
        "publisher": "maker",
    }[by]
    return f"CASE WHEN passes AND maker IS NOT NULL THEN {named} ELSE {_publisher_key(by)} END"


def _join(database: Database, by: str) -> None:
    """Make `weighed`."""
    sizes = " ".join(f"WHEN parameters < {one.below} THEN {literal(one.name)}" for one in size_classes() if one.below)
    size = f"CASE WHEN parameters IS NULL THEN '{UNKNOWN}' {sizes} ELSE {literal(size_classes()[-1].name)} END"
    same = {"size": size, "licence": f"coalesce(licence, '{UNKNOWN}')"}.get(by)
    own = same or ("roots.base_key" if by == "family" else _publisher_key(by))
    database.rows(
        """CREATE OR REPLACE TEMP VIEW owned AS
        SELECT node, base_key, base_by FROM roots ANTI JOIN followed USING (node) UNION ALL FROM followed"""
    )
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE weighed AS
        SELECT node, downloads, weight, belongs, coalesce(country, '{UNLISTED}') <> '{UNLISTED}' AS has_country,
            licence IS NOT NULL AS has_licence, parameters IS NOT NULL AS has_size,
            coalesce(kind, '{UNLISTED}') = 'test' AS is_test,
            {own} AS publisher_key, {same or "owned.base_key"} AS base_key, owned.base_by
        FROM (SELECT candidates.* EXCLUDE (namespace), country, kind, coalesce(listed_as, namespace) AS namespace
            FROM (SELECT *, {_NAMESPACE} AS namespace FROM candidates) AS candidates
            LEFT JOIN organisations ON low = lower(namespace)) JOIN owned USING (node)
        {"JOIN roots USING (node)" if by == "family" else ""}"""  # noqa: S608 - texts of ours
    )
