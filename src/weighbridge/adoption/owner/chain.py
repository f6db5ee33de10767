"""Chains of base models, followed from their ends: however long, wide or circular what people declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.adoption.listing.database import Database

__all__ = ["MAX_DEPTH", "follow_bases", "make_edges"]

MAX_DEPTH = 8  # steps from a repository to its last base; real chains have up to four
# of a Hub; what else stands there (a path, a remark) is no base
_ID = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9._-]{1,96})?"


def make_edges(database: Database) -> None:
    """Make `edges` (node, base) from the relations of the listing, and of `declared` where the listing has none.

    A node is the number of a row of `listing`, or a negative one of `outside` (node, id): bases that it does not list.
    """
    database.rows(
        """CREATE OR REPLACE TEMP TABLE said AS
        SELECT rowid AS node, unnest(bases) AS base FROM listing WHERE len(bases) > 0
            AND rowid NOT IN (FROM companions)
        UNION ALL
        SELECT listing.rowid, declared.base FROM declared JOIN listing ON lower(declared.id) = lower(listing.id)
            WHERE bases IS NULL AND listing.rowid NOT IN (FROM companions)"""
    )
    database.rows(  # texts are held together once a name, not once a relation; a hub ignores letter case
        f"""CREATE OR REPLACE TEMP TABLE bases AS SELECT coalesce(listing.rowid, -number) AS node, low, base AS id
        FROM (SELECT low, base, row_number() OVER () AS number
            FROM (SELECT lower(base) AS low, min(base) AS base FROM said GROUP BY 1)
            WHERE regexp_full_match(base, '{_ID}'))
        LEFT JOIN listing ON low = lower(listing.id)"""  # noqa: S608 - texts of ours
    )
    database.rows("CREATE OR REPLACE TEMP TABLE outside AS SELECT node, id FROM bases WHERE node < 0")
    database.rows(
        """CREATE OR REPLACE TEMP TABLE edges AS SELECT DISTINCT said.node, bases.node AS base
        FROM said JOIN bases ON lower(said.base) = bases.low WHERE said.node <> bases.node"""
    )
    database.rows("DROP TABLE said")
    database.rows("DROP TABLE bases")
    database.rows("ALTER TABLE listing DROP COLUMN bases")  # the largest column, and no longer needed


def follow_bases(database: Database, nobody: str) -> None:
    """Make `followed` (node, base_key, base_by) for what has bases, from `roots` upwards, a step of the chain a round.

    `nobody` is the key of what has no one base. A repository is reached when all of its bases are; one in a circle
    never is. Each round reads the edges that are left, so nothing that is declared can make this long.
    """
    database.rows("CREATE OR REPLACE TEMP TABLE followed (node BIGINT, base_key VARCHAR, base_by VARCHAR)")
    database.rows("CREATE OR REPLACE TEMP TABLE waiting AS SELECT * FROM edges")
    database.rows(
        """CREATE OR REPLACE TEMP TABLE reached AS SELECT node, base_key FROM roots
        WHERE node IN (SELECT base FROM edges) AND node NOT IN (SELECT node FROM edges)"""
    )
    for _ in range(MAX_DEPTH):
        (before,) = database.row("SELECT count(*) FROM followed")
        database.rows(
            f"""INSERT INTO followed
            SELECT waiting.node, CASE WHEN min(base_key) = max(base_key) THEN min(base_key) ELSE '{nobody}' END,
                CASE WHEN min(base_key) = max(base_key) THEN 'relation' ELSE 'mixed' END
            FROM waiting LEFT JOIN reached ON base = reached.node GROUP BY waiting.node
            HAVING count(*) = count(base_key)"""  # noqa: S608 - texts of ours
        )
        (after,) = database.row("SELECT count(*) FROM followed")
        if after == before:
            break
        database.rows("DELETE FROM waiting WHERE node IN (SELECT node FROM followed)")
        database.rows(
            "INSERT INTO reached SELECT node, base_key FROM followed WHERE node NOT IN (SELECT node FROM reached)"
        )
    database.rows(f"INSERT INTO followed SELECT DISTINCT node, '{nobody}', 'unresolved' FROM waiting")  # noqa: S608 - texts of ours
    database.rows("DROP TABLE waiting")
    database.rows("DROP TABLE reached")
