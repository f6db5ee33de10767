"""`weighbridge serve` as a user runs it: from a folder with a model to an answer through the gateway."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import openai
import pytest

from weighbridge.testing.upstream_double import UpstreamDouble, answer
from weighbridge.testing.waiting import first_document

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
[gateway]
listen = "127.0.0.1:0"
[[route]]
name = "small"
decision = "latest"
reference = "{mirror}"
policy = "pilot"
mirror = "{mirror}"
[route.upstream]
url = "{url}"
model = "small-1"
key_env = "SMALL_KEY"
"""
CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"small-1","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,'
    b'"total_tokens":4}}'
)


def prepare(weighbridge: Any, folder: Path, url: str) -> None:
    """Mirror a model, decide on it, and write the gateway's file."""
    mirror, _ = weighbridge.adopt_mirror()
    (folder / "gateway.toml").write_text(FILE.format(mirror=mirror, url=url))


def test_from_a_model_to_an_answer(weighbridge: Any, tmp_path: Path) -> None:
    """Without its upstream's key it says so; then the openai client is served, and SIGTERM ends it in peace."""
    with UpstreamDouble(lambda *_: [answer(CHAT)]).running() as upstream:
        prepare(weighbridge, tmp_path, upstream.url)
        refused = weighbridge("serve")
        assert refused.returncode == 2
        assert "`SMALL_KEY` is not set" in refused.stderr
        key = weighbridge.json("pilot", "key", "create", "app")["key"]
        weighbridge.env["SMALL_KEY"] = "sk-small"
        process = weighbridge.start("serve", "--json")
        try:
            served = first_document(process)
            assert (served["has_keys"], served["routes"][0]["route"]) == (True, "small")
            with openai.OpenAI(base_url=served["url"], api_key=key, max_retries=0) as ai:
                chat = ai.chat.completions.create(model="small", messages=[{"role": "user", "content": "hi"}])
                assert chat.choices[0].message.content == "hello"
            stranger = openai.OpenAI(base_url=served["url"], api_key="wb_x", max_retries=0)
            with stranger, pytest.raises(openai.AuthenticationError):
                stranger.models.list()
            assert b"authorization: bearer sk-small" in upstream.asked[0].head.lower()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0
        assert "gateway.stopped" in said
        assert key not in said
        spent = weighbridge("pilot", "spend")
        assert " 3 " in spent.stdout
        assert weighbridge("audit", "verify").returncode == 0


def test_an_address_that_others_reach_is_refused(weighbridge: Any, tmp_path: Path) -> None:
    """Without keys, and without TLS; half of a pair of TLS files is a mistake, too."""
    prepare(weighbridge, tmp_path, "http://127.0.0.1:9/v1")
    weighbridge.env["SMALL_KEY"] = "sk-small"
    done = weighbridge("serve", "--host", "0.0.0.0", "--port", "0", "--behind-proxy")
    assert (done.returncode, "there is no key yet" in done.stderr) == (2, True)
    weighbridge("pilot", "key", "create", "app")
    done = weighbridge("serve", "--host", "0.0.0.0", "--port", "0")
    assert (done.returncode, "in the clear" in done.stderr) == (2, True)
    (tmp_path / "cert.pem").write_text("no certificate")
    done = weighbridge("serve", "--port", "0", "--tls-cert", "cert.pem")
    assert (done.returncode, "both a certificate and its key" in done.stderr) == (2, True)
    done = weighbridge("serve", "--port", "0", "--tls-cert", "cert.pem", "--tls-key", "cert.pem")
    assert (done.returncode, "cannot be used" in done.stderr) == (2, True)


def test_a_check_listens_to_nobody(weighbridge: Any, tmp_path: Path) -> None:
    """It checks what the gateway would check, says so, and ends; a wrong file is refused with its place."""
    prepare(weighbridge, tmp_path, "http://127.0.0.1:9/v1")
    weighbridge.env["SMALL_KEY"] = "sk-small"
    checked = weighbridge.json("serve", "--check")
    assert [row["is_open"] for row in checked["routes"]] == [True]
    (tmp_path / "gateway.toml").write_text("[[route]]\nname = 5\n")
    done = weighbridge("serve", "--check")
    assert (done.returncode, "gateway.toml" in done.stderr) == (2, True)


def test_a_check_passes_only_what_would_be_served(weighbridge: Any, tmp_path: Path) -> None:
    """Found by a user: `--check` passed what `serve` refuses, and always left with 0.

    2 where `serve` would not start, in its words; 12 where a route is served by nothing, 11 where a leg is refused.
    """
    prepare(weighbridge, tmp_path, "http://127.0.0.1:9/v1")
    done = weighbridge("serve", "--check")
    assert (done.returncode, "`SMALL_KEY` is not set" in done.stderr) == (2, True)
    weighbridge.env["SMALL_KEY"] = "sk-small"
    text = (tmp_path / "gateway.toml").read_text()
    (tmp_path / "gateway.toml").write_text(text + '[gateway.alarm]\nwebhook_env = "HOOK"\n')
    done = weighbridge("serve", "--check")
    assert (done.returncode, "`[gateway.alarm]` names `HOOK`, which is not set" in done.stderr) == (2, True)
    (tmp_path / "gateway.toml").write_text(text)
    for flags, why in ((("--behind-proxy",), "there is no key yet"), ((), "there is no key yet")):
        done = weighbridge("serve", "--check", "--host", "0.0.0.0", *flags)
        assert (done.returncode, why in done.stderr) == (2, True)
    weighbridge("pilot", "key", "create", "app")
    done = weighbridge("serve", "--check", "--host", "0.0.0.0")
    assert (done.returncode, "in the clear" in done.stderr) == (2, True)
    assert weighbridge("serve", "--check", "--host", "0.0.0.0", "--behind-proxy").returncode == 0
    other = '[[route.fallback]]\ndecision = "0123456789ab"\nupstream = { url = "http://127.0.0.1:9/v1", model = "x" }\n'
    (tmp_path / "gateway.toml").write_text(text + other)
    done = weighbridge("serve", "--check")
    assert (done.returncode, "1 of 2 open" in done.stderr) == (11, True)
    (tmp_path / "gateway.toml").write_text(text.replace('workspace = "weighbridge-work"', "").replace(
        "[gateway]", '[gateway]\nworkspace = "nowhere"'))  # fmt: skip
    assert weighbridge("serve", "--check").returncode == 12
