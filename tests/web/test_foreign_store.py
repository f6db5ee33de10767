"""Stores that somebody else wrote, and requests that come at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence, Producer
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 20


def _broken(weighed: Any) -> list[dict[str, Any]]:
    """Return bodies of `decision/v1` that hold no decision that can be read."""
    whole = weighed.decision()
    return [
        {}, {"decision": None}, {"decision": []}, {"decision": {}}, {"verdict": "adopt"},
        {"decision": whole | {"expires_on": "soon"}}, {"decision": whole | {"expires_on": 7}},
        {"decision": whole | {"on": "2026-13-01"}}, {"decision": whole | {"rulings": [{"rule": "x"}]}},
        {"decision": whole | {"verdict": "<script>"}}, {"decision": whole | {"policy_name": {"a": 1}}},
        {"decision": {key: value for key, value in whole.items() if key != "subject"}},
    ]  # fmt: skip


def test_a_decision_that_cannot_be_read_spoils_no_list(tmp_path: Path, weighed: Any, serve_over: Any) -> None:
    """Lists show it without a verdict and as something that waits; its own pages say in one sentence what is wrong."""
    bodies = _broken(weighed)
    made = [Evidence(weighed.SUBJECT, "decision/v1", body, (), Producer("x", "1"), weighed.DAY) for body in bodies]
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        ids = [store.add(one) for one in (weighed.files(), *made)][1:]
        with serve_over(store) as served:
            lists = ("/", f"/model/{weighed.SUBJECT}", "/evidence", *(f"/evidence/{one}" for one in ids))
            for path in lists:
                assert served.ask(path).status == 200, path
                assert served.ask(f"{path}.json").status == 200, path
            assert {one["waits"] for one in served.json("/.json")["waiting"]} == {"unreadable"}
            rows = served.json(f"/model/{weighed.SUBJECT}.json")["decisions"]
            assert [(one["verdict"], one["expires_on"]) for one in rows] == [(None, None)] * len(bodies)
            assert "Cannot be read: decide again" in served.ask("/").text
            for path in (
                f"/{page}/{one}{twin}" for one in ids for page in ("decision", "dossier") for twin in ("", ".json")
            ):
                answer = served.ask(path)
                assert answer.status == 400, path
                assert "the decision cannot be read" in answer.text
                assert "weighbridge decide" in answer.text


class _Held(SQLiteStore):
    """A store whose lists wait until they are let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked, self.let_go = threading.Event(), threading.Event()

    def select(self, *, subject: str | None = None, kind: str | None = None) -> Iterator[Evidence]:
        """Wait, then yield."""
        self.asked.set()
        assert self.let_go.wait(PATIENCE_S)
        yield from super().select(subject=subject, kind=kind)


def test_a_slow_page_holds_up_no_other(tmp_path: Path, weighed: Any, serve_over: Any) -> None:
    """While Home waits for the store, another request is answered."""
    with closing(_Held(tmp_path / "evidence.sqlite")) as store, ThreadPoolExecutor() as pool:
        store.add(weighed.files())
        with serve_over(store) as served:
            slow = pool.submit(served.ask, "/")
            assert store.asked.wait(PATIENCE_S)
            assert served.ask("/static/style.css").status == 200
            assert not slow.done()
            store.let_go.set()
            assert slow.result().status == 200


@pytest.mark.parametrize("path", ["/", "/model/{subject}", "/dossier/{reject}"])
def test_eight_readers_get_the_same_page(served: Any, path: str) -> None:
    """Pages are made in several threads over one store: nobody gets another's half."""
    asked = path.format(**vars(served.ids))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(served.ask, [asked] * 8))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
