from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8780", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8780"])
def test_the_names_of_this_machine_are_served(served: Any, host: str) -> None:
    """Every loopback name is answered, whatever its port."""
    assert served.ask("/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "evil@127.0.0.1", "[::2]", "0"],
)
def test_a_rebound_name_is_refused(served: Any, host: str) -> None:
    """A site that points its own name at this machine gets nothing of the store."""
    answer = served.ask("/", host=host)
    assert answer.status == 421
    assert "SmolLM2" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(served: Any, method: str) -> None:
    """Only GET and HEAD are answered."""
    answer = served.ask("/", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_head_answers_without_a_body(served: Any) -> None:
    """HEAD has the status and headers of GET."""
    answer = served.ask("/", method="HEAD")
    assert (answer.status, answer.text) == (200, "")


@pytest.mark.parametrize("path", ["/", "/.json", "/evidence", "/nothing", "/static/style.css"])
def test_every_answer_forbids_script_frames_and_guessing(served: Any, path: str) -> None:
    """The policy allows no script at all; types are not guessed, frames not allowed, addresses not passed on."""
    headers = served.ask(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_dossier_allows_its_own_style_and_nothing_else(served: Any) -> None:
    """The document carries its style inside; the policy says just that."""
    policy = served.ask(f"/dossier/{served.ids.reject}").headers["content-security-policy"]
    assert (
        policy
        == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
