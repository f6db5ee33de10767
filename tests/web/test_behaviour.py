"""Behaviour by language and endpoints on the pages."""

from __future__ import annotations

import runpy
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS, MODEL = "http://127.0.0.1:9/v1", "cand-7b"
_BUILDERS = Path(__file__).parents[1] / "unit" / "dossier" / "behaviour" / "conftest.py"


@pytest.fixture(scope="module")
def bodies() -> Callable[..., Any]:
    """Return what makes two models whose behaviour is given."""
    make: Callable[..., Any] = runpy.run_path(str(_BUILDERS))["bodies"].__wrapped__()
    return make


def test_a_statement_of_behaviour_shows_its_section(tmp_path: Path, weighed: Any, bodies: Any, serve_over: Any) -> None:
    """The page of each statement holds what the dossier shows; its twin holds the same as JSON."""
    found = bodies()
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        ids = {kind: store.add(weighed.stated(kind, body)) for kind, body in found.by_kind.items()}
        with serve_over(store) as served:
            page = served.ask(f"/evidence/{ids['behaviour/v2']}")
            assert page.status == 200
            assert "avoidance of sensitive questions about China rises by 100.0 percentage points" in page.text
            assert "<script>" not in page.text
            beside = served.json(f"/evidence/{ids['behaviour-comparison/v1']}.json")["section"]
            assert ["courts", "±0 (0 : 0 of 18)", "+6 (6 : 0 of 18)", "±0 (0 : 0 of 18)"] in beside["tables"][0]["rows"]


def test_an_endpoint_is_named_and_nobody_can_name_another(
    tmp_path: Path, weighed: Any, bodies: Any, serve_over: Any
) -> None:
    """Home says model and address of an endpoint; files that an address only is said to serve keep their digest."""
    body = bodies().alone
    endpoint = digest_of_endpoint(ADDRESS, MODEL)
    broken = body | {"engine": {"model": ["x"], "address": 7}}
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        for subject, one in ((endpoint, body), (weighed.BASELINE, body), (weighed.SUBJECT, broken)):
            store.add(weighed.stated("behaviour/v2", one, subject))
        with serve_over(store) as served:
            rows = [row for day in served.json("/.json")["days"] for row in day["statements"]]
            names = {row["subject"]: (row["name"], row["about"]) for row in rows}
            assert names[endpoint] == (f"{MODEL} at {ADDRESS}", "matched")
            assert names[weighed.BASELINE] == names[weighed.SUBJECT] == ("", "matched")
            assert f"{MODEL} at {ADDRESS}" in served.ask(f"/model/{endpoint}").text
