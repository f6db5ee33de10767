"""Whom each repository's downloads belong to: its publisher, and the base model that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.adoption.definition import UNLISTED, companions, nowhere, passes_on, size_classes
from weighbridge.adoption.listing.database import literal
from weighbridge.adoption.owner.families import name_families

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.adoption.listing.database import Database
    from weighbridge.knowledge.protocol import Known

__all__ = ["MAX_DEPTH", "attribute"]

UNKNOWN = "unknown"
MAX_DEPTH = 8  # steps from a repository to its last base; real chains have up to four


def attribute(database: Database, known: Known, by: str) -> None:
    """Make `attributed` from `listing` and `declared` (id, base).

    It has the columns of `listing` without bases, and kind, has_country (of the publisher), publisher_key, base_key,
    base_by.
    The keys are those of `by` (see `definition.DIMENSIONS`); `base_by` says how the base was found: relation, name,
    publisher (a maker's own), fallback (nothing says; counted to the publisher), unlisted, mixed (bases of several
    keys) or unresolved (a circle, or a chain longer than MAX_DEPTH).
    """
    _keep_organisations(database, known)
    parts, below = companions()
    name = "lower(split_part(id, '/', -1))"
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE companions AS SELECT id FROM listing
        WHERE coalesce(parameters, 0) < {below} AND regexp_matches({name}, {literal(parts)})"""  # noqa: S608 - texts of ours
    )
    _make_edges(database)
    passing = _texts([*passes_on(), UNLISTED])
    needs = "true" if by == "family" else f"kind IN ({passing})"
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE nodes AS SELECT *, {needs} AND id NOT IN (FROM companions) AS needs_name FROM (
            SELECT id, namespace, name, country, coalesce(kind, '{UNLISTED}') AS kind
            FROM (SELECT id, CASE WHEN contains(id, '/') THEN split_part(id, '/', 1) ELSE '' END AS namespace,
                    {name} AS name
                FROM (SELECT id FROM listing UNION ALL
                    SELECT DISTINCT base FROM edges WHERE base NOT IN (SELECT id FROM listing)))
            LEFT JOIN organisations USING (namespace))"""  # noqa: S608 - texts of ours
    )
    name_families(database, known)
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE roots AS
        SELECT id, kind, coalesce(country, '{UNLISTED}') <> '{UNLISTED}' AS has_country,
            {_key(by, is_base=False)} AS publisher_key, {_key(by, is_base=True)} AS base_key,
            CASE WHEN NOT passes AND kind <> '{UNLISTED}' THEN 'publisher' WHEN family IS NOT NULL THEN 'name'
                WHEN kind <> '{UNLISTED}' THEN 'fallback' ELSE '{UNLISTED}' END AS base_by
        FROM (SELECT nodes.*, named.family, named.maker, kind IN ({passing}) AS passes,
                passes AND named.maker IS NOT NULL AS is_named FROM nodes
                LEFT JOIN named ON nodes.name = named.name AND needs_name)
        LEFT JOIN (SELECT namespace AS maker, country AS maker_country, kind AS maker_kind FROM organisations)
            USING (maker)"""  # noqa: S608 - texts of ours
    )
    database.rows("DROP TABLE nodes")
    _follow_bases(database, UNKNOWN if by == "family" else UNLISTED)
    _join(database, by)


def _texts(values: Iterable[str]) -> str:
    return ", ".join(literal(value) for value in values)


def _keep_organisations(database: Database, known: Known) -> None:
    rows = [
        (name, UNLISTED if one.country in nowhere() else one.country, one.kind)
        for name, one in known.organisations.items()
    ]
    database.keep("organisations", ("namespace VARCHAR", "country VARCHAR", "kind VARCHAR"), rows)


def _make_edges(database: Database) -> None:
    """Make `edges` (id, base) from the relations of the listing, and of `declared` where the listing has none."""
    database.rows(
        """CREATE OR REPLACE TEMP TABLE edges AS SELECT DISTINCT id, base FROM (
            SELECT id, unnest(bases) AS base FROM listing WHERE bases IS NOT NULL
            UNION ALL
            SELECT id, base FROM declared WHERE id IN (SELECT id FROM listing WHERE bases IS NULL))
        WHERE id <> base AND id NOT IN (FROM companions)"""
    )


def _key(by: str, *, is_base: bool) -> str:
    """Return SQL of the key of a repository that stands on no other, by publisher or by base."""
    if by == "family":
        return f"coalesce(family, '{UNKNOWN}')"
    if by in {"size", "licence"}:
        return "''"
    own = {
        "country": "coalesce(country, '{0}')",
        "kind": "kind",
        "maker": "CASE WHEN kind <> '{0}' THEN namespace ELSE '{0}' END",
        "publisher": "CASE WHEN namespace <> '' THEN namespace ELSE '{0}' END",
    }[by].format(UNLISTED)
    named = {
        "country": f"coalesce(maker_country, '{UNLISTED}')",
        "kind": f"coalesce(maker_kind, '{UNLISTED}')",
        "maker": "maker",
        "publisher": "maker",
    }[by]
    return f"CASE WHEN is_named THEN {named} ELSE {own} END" if is_base else own


def _follow_bases(database: Database, nobody: str) -> None:
    """Make `followed` (id, base_key, base_by) for what has bases, from `roots` upwards, one step of the chain a round.

    `nobody` is the key of what has no one base. A repository is reached when all of its bases are; one in a circle
    never is. Each round reads the edges that are left, so no declared chain, circle or fan can make this long.
    """
    database.rows("CREATE OR REPLACE TEMP TABLE followed (id VARCHAR, base_key VARCHAR, base_by VARCHAR)")
    database.rows("CREATE OR REPLACE TEMP TABLE waiting AS SELECT * FROM edges")
    database.rows(
        """CREATE OR REPLACE TEMP TABLE reached AS SELECT id, base_key FROM roots
        WHERE id IN (SELECT base FROM edges) AND id NOT IN (SELECT id FROM edges)"""
    )
    for _ in range(MAX_DEPTH):
        (before,) = database.row("SELECT count(*) FROM followed")
        database.rows(
            f"""INSERT INTO followed
            SELECT waiting.id, CASE WHEN min(base_key) = max(base_key) THEN min(base_key) ELSE '{nobody}' END,
                CASE WHEN min(base_key) = max(base_key) THEN 'relation' ELSE 'mixed' END
            FROM waiting LEFT JOIN reached ON base = reached.id GROUP BY waiting.id
            HAVING count(*) = count(base_key)"""  # noqa: S608 - texts of ours
        )
        (after,) = database.row("SELECT count(*) FROM followed")
        if after == before:
            break
        database.rows("INSERT INTO reached SELECT id, base_key FROM followed WHERE id NOT IN (SELECT id FROM reached)")
        database.rows("DELETE FROM waiting WHERE id IN (SELECT id FROM followed)")
    database.rows(
        f"""INSERT INTO followed SELECT DISTINCT id, '{nobody}', 'unresolved' FROM waiting
        WHERE id NOT IN (SELECT id FROM followed)"""  # noqa: S608 - texts of ours
    )


def _join(database: Database, by: str) -> None:
    """Make `attributed` from `listing`, `roots` and `followed`."""
    sizes = " ".join(f"WHEN parameters < {one.below} THEN {literal(one.name)}" for one in size_classes() if one.below)
    size = f"CASE WHEN parameters IS NULL THEN '{UNKNOWN}' {sizes} ELSE {literal(size_classes()[-1].name)} END"
    same = {"size": size, "licence": f"coalesce(licence, '{UNKNOWN}')"}.get(by)
    keys = (
        f"{same} AS publisher_key, {same} AS base_key"
        if same
        else "roots.publisher_key, coalesce(followed.base_key, roots.base_key) AS base_key"
    )
    database.rows(
        f"""CREATE OR REPLACE TEMP TABLE attributed AS
        SELECT listing.* EXCLUDE (bases), roots.kind, has_country, {keys},
            coalesce(followed.base_by, roots.base_by) AS base_by
        FROM listing JOIN roots USING (id) LEFT JOIN followed USING (id)"""  # noqa: S608 - texts of ours
    )
    database.rows("DROP TABLE roots")
    database.rows("DROP TABLE followed")
