"""The page Arena: the report of a ballot, with its JSON twin, readable without script."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.arena.ballot import Entrant, ballot_at, freeze
from weighbridge.evaluation.arena.draw import next_draw
from weighbridge.evaluation.arena.votes import VoteLog
from weighbridge.evaluation.item import Item
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from tests.web.conftest import TODAY

SUITE = {"name": "chats", "version": "1", "digest": digest_of("chats"), "language": "en", "licence": "ours",
         "source": "ours", "size": 12}  # fmt: skip
NAMES = ("<b>alpha</b>", "beta \u202eevil")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a store with an arena of two models over twelve prompts."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        entrants = []
        for name in NAMES:
            recipes = {f"p{i}": digest_of([name, i]) for i in range(12)}
            body = {
                recipe: Completion(Outcome.ANSWERED, f"{'x' * (3 * i + len(name))} {name}").to_json()
                | {"asked_on": "2026-11-22"}
                for i, recipe in enumerate(recipes.values())
            }
            store.add_completions(body)
            entrants.append(Entrant(digest_of(name), name, None, recipes))
        freeze(SUITE, [Item(f"p{i}", f"question {i}") for i in range(12)], entrants, "5e" * 32, store, TODAY)
        yield store


def vote(store: SQLiteStore) -> None:
    """Vote on everything, three times in four for the first model."""
    ballot = ballot_at(store)
    log = VoteLog.read(ballot, store)
    while (draw := next_draw(ballot, log, "ann")) is not None:
        first = "left" if draw.left == 0 else "right"
        other = "right" if first == "left" else "left"
        log.cast("ann", draw, other if draw.turn % 4 == 0 else first, TODAY)


def test_an_arena_without_votes_says_what_to_compare(shelf: SQLiteStore, serve_over: Any) -> None:
    """No ratings, no picture, and the pair that is missing."""
    with serve_over(shelf) as served:
        facts, page = served.json("/arena.json"), served.ask("/arena")
    assert facts["arena"]["ratings"] == []
    assert facts["arena"]["compare_next"] == [list(NAMES)]
    assert "there are no votes yet" in page.text
    assert "<svg" not in page.text


def test_the_page_and_its_twin_say_the_same(shelf: SQLiteStore, serve_over: Any) -> None:
    """Ranks, ratings and counts of the twin stand on the page; names are text."""
    vote(shelf)
    with serve_over(shelf) as served:
        facts, page = served.json("/arena.json")["arena"], served.ask("/arena")
    assert page.status == 200
    assert [row["name"] for row in facts["ratings"]] == list(NAMES)
    for row in facts["ratings"]:
        assert f"{row['rating']['value']:+.2f} [{row['rating']['low']:+.2f}, {row['rating']['high']:+.2f}]" in page.text
    assert "9, 3, 0" in page.text
    assert "<b>alpha" not in page.text
    assert "\u202e" not in page.text
    assert "which do our people prefer?" in page.text.lower()


def test_the_picture_needs_no_style_of_its_own(shelf: SQLiteStore, serve_over: Any) -> None:
    """The policy of the pages forbids inline style and script; the picture has neither."""
    pytest.importorskip("vl_convert")
    vote(shelf)
    with serve_over(shelf) as served:
        text = served.ask("/arena").text
    picture = text[text.index("<svg") : text.index("</svg>")]
    assert "style=" not in picture
    assert "<script" not in text
    assert 'aria-label="Ratings of 2 models' in picture


def test_without_an_arena_the_page_says_how_to_open_one(served: Any) -> None:
    """A store without a ballot: no figures, and the command."""
    assert served.json("/arena.json")["arena"] is None
    assert "weighbridge arena new" in served.ask("/arena").text
    assert served.ask("/arena?ballot=zzzz").status == 400
