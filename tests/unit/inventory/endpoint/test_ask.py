"""Endpoints: what servers say of a model behind a name, and where template, tokenizer or path speak against it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.inventory.endpoint.ask import ask_endpoint
from weighbridge.inventory.endpoint.probes import known_tokenizers, probe_texts
from weighbridge.inventory.found import Unsearched
from weighbridge.inventory.merge import Seen
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.knowledge.load import Knowledge

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

NOT_FOUND = http(b"{}", status="404 Not Found")
IDS = {one.name: one.ids for one in known_tokenizers()}
KIMI = "{% for m in messages %}<|im_user|>user<|im_middle|>{{ m.content }}<|im_end|>{% endfor %}"


class Server:
    """A server of given pages, by path; POST bodies to /tokenize are answered with the ids of one tokenizer."""

    def __init__(
        self, serve: Serve, models: list[dict[str, Any]], pages: dict[str, Any] | None = None, tokenizer: str = ""
    ) -> None:
        self._pages = pages or {}
        self._tokenizer = tokenizer
        self.server = serve(self.reply)
        self.server.models_reply = http(json.dumps({"object": "list", "data": models}).encode())

    def reply(self, _n: int, path: str) -> bytes:
        """Answer one request."""
        if path == "/tokenize" and self._tokenizer:
            text = json.loads(self.server.bodies[-1])["content"]
            return http(json.dumps({"tokens": IDS[self._tokenizer][probe_texts().index(text)]}).encode())
        return http(json.dumps(self._pages[path]).encode()) if path in self._pages else NOT_FOUND

    def ask(self, known: Knowledge) -> list[Seen | Unsearched]:
        """Return what the inventory reads of it."""
        engine = OpenAIEngine(self.server.url, "", limits=Limits(timeout_s=5, attempts=1))
        return ask_endpoint(engine, self.server.url, known)


def one(rows: list[Seen | Unsearched]) -> Seen:
    """Return the only trace."""
    (row,) = rows
    assert isinstance(row, Seen)
    return row


def test_vllm_names_what_it_loaded(serve: Serve, known: Knowledge) -> None:
    """VLLM's `root` and `parent` are the repository behind a served name: Composer 2 that is Kimi K2.5."""
    models = [{"id": "our-coder", "owned_by": "vllm", "root": "moonshotai/Kimi-K2.5", "max_model_len": 262144}]
    seen = one(Server(serve, models).ask(known))
    assert seen.found.name == "our-coder"
    assert [sign.name for sign in seen.signs] == ["moonshotai/Kimi-K2.5"]
    assert "moonshotai/Kimi-K2.5" in seen.found.detail


def test_served_name_against_loaded_file(serve: Serve, known: Knowledge) -> None:
    """A name of one maker over a file of another is a contradiction, said with both."""
    models = [{"id": "Qwen/Qwen3-8B", "meta": {"n_vocab": 163840}}]
    props = {"model_path": "/models/moonshotai/Kimi-K2.5/kimi.gguf", "chat_template": KIMI}
    seen = one(Server(serve, models, {"/props": props}).ask(known))
    said = " ".join(seen.contradictions)
    assert "<|im_middle|>" in said
    assert "163,840" in said
    assert "moonshotai" in {sign.name.partition("/")[0] for sign in seen.signs}
    assert seen.found.reference == ""  # the name is not taken for the repository


def test_tokenizer_agrees_with_the_name(serve: Serve, known: Knowledge) -> None:
    """Token ids of the probe texts that are Qwen's speak for a name of Qwen, and against one of Mistral."""
    good = one(Server(serve, [{"id": "Qwen/Qwen3-8B"}], tokenizer="Qwen2, Qwen2.5, Qwen3").ask(known))
    assert good.agrees
    assert not good.contradictions
    assert good.found.reference == "hf:Qwen/Qwen3-8B"
    bad = one(Server(serve, [{"id": "mistralai/Mistral-7B-v0.1"}], tokenizer="Qwen2, Qwen2.5, Qwen3").ask(known))
    assert "Qwen" in bad.contradictions[0]


def test_tokenizer_that_two_makers_train_with(serve: Serve, known: Knowledge) -> None:
    """A tokenizer that another maker trains with too contradicts neither of them."""
    for name in ("mistralai/Mistral-Nemo-Instruct-2407", "nvidia/Nemotron-H-8B-Base-8K"):
        assert one(Server(serve, [{"id": name}], tokenizer="Mistral Tekken").ask(known)).agrees


def test_tokenizers_differ_on_the_probes() -> None:
    """No two tokenizers of the table give the same ids, on any one of the probe texts outside ASCII."""
    for probe in (1, 3):
        assert len({one.ids[probe] for one in known_tokenizers()}) == len(known_tokenizers())
    assert all(len(one.ids) == len(probe_texts()) for one in known_tokenizers())


def test_name_alone_stays_a_label(serve: Serve, known: Knowledge) -> None:
    """A server that says nothing but a name gives a label: no sign, no agreement, no contradiction."""
    seen = one(Server(serve, [{"id": "gpt-4o"}]).ask(known))
    assert not seen.agrees
    assert not seen.signs
    assert not seen.contradictions


def test_unknown_tokenizer_stays_unknown(serve: Serve, known: Knowledge) -> None:
    """Ids that are in no table, even near ones, say nothing."""
    server = Server(serve, [{"id": "our-model"}])
    server.server.reply = lambda _n, path: http(b'{"tokens": [1, 2, 3]}') if path == "/tokenize" else NOT_FOUND
    seen = one(server.ask(known))
    assert not seen.signs


def test_ollama_tags_and_metadata(serve: Serve, known: Knowledge) -> None:
    """Ollama's own pages are read where its list of models is empty: architecture, metadata, licence."""
    pages = {
        "/api/tags": {"models": [{"name": "helper:latest", "details": {"family": "qwen2", "parent_model": ""}}]},
        "/api/show": {
            "model_info": {"general.architecture": "qwen2", "general.basename": "Qwen2.5-Coder",
                           "general.license": "apache-2.0"},
        },
    }  # fmt: skip
    seen = one(Server(serve, [], pages).ask(known))
    assert seen.found.architecture == "qwen2"
    assert seen.found.licence == "apache-2.0"
    assert [sign.name for sign in seen.signs] == ["Qwen/*"]


def test_sglang_says_its_path(serve: Serve, known: Knowledge) -> None:
    """A path into the Hugging Face cache names the repository."""
    page = {"model_path": "/root/.cache/huggingface/hub/models--zai-org--GLM-4.5/snapshots/abc"}
    seen = one(Server(serve, [{"id": "default"}], {"/get_model_info": page}).ask(known))
    assert [sign.name for sign in seen.signs] == ["zai-org/GLM-4.5"]


@pytest.mark.parametrize(
    "reply",
    [b"", http(b"<html>"), http(b'{"data": 5}'), http(b'{"data": [[], {"id": 7}, {"id": ""}]}'),
     http(b"[" * 100_000), http(b"{}", status="401 Unauthorized"), http(b"{}", status="500 Oops")],
)  # fmt: skip
def test_server_that_answers_nonsense_was_not_searched(reply: bytes, serve: Serve, known: Knowledge) -> None:
    """A server without a list of models is a place that was not searched, never an empty result."""
    server = serve(lambda _n, _path: NOT_FOUND)
    server.models_reply = reply
    rows = ask_endpoint(OpenAIEngine(server.url, "", limits=Limits(timeout_s=5, attempts=1)), server.url, known)
    assert [type(row) for row in rows] == [Unsearched]


def test_one_model_of_many(serve: Serve, known: Knowledge) -> None:
    """With a name only that model is looked at; a name that is not served was not searched."""
    server = Server(serve, [{"id": "a"}, {"id": "b"}]).server
    engine = OpenAIEngine(server.url, "", limits=Limits(timeout_s=5, attempts=1))
    assert one(ask_endpoint(engine, server.url, known, only="b")).found.name == "b"
    (row,) = ask_endpoint(engine, server.url, known, only="c")
    assert isinstance(row, Unsearched)


def test_no_server_was_not_searched(known: Knowledge) -> None:
    """An address where nobody listens is a place that was not searched."""
    engine = OpenAIEngine("http://127.0.0.1:9/v1", "", limits=Limits(timeout_s=2, attempts=1))
    (row,) = ask_endpoint(engine, "http://127.0.0.1:9/v1", known)
    assert isinstance(row, Unsearched)
    assert "127.0.0.1:9" in row.place


def test_hostile_pages_are_bounded(serve: Serve, known: Knowledge) -> None:
    """Wrong types, control characters and long lists on every page cost nothing but the page."""
    pages = {
        "/props": {"model_path": "\x1b[31m/x\x00/" + "y" * 100_000, "chat_template": ["<|im_middle|>"]},
        "/api/tags": {"models": "x"}, "/info": [1], "/get_model_info": {"model_path": {}},
    }  # fmt: skip
    rows = Server(serve, [{"id": f"m{n}", "root": n, "meta": [], "parent": {}} for n in range(3000)], pages).ask(known)
    traces = [row for row in rows if isinstance(row, Seen)]
    assert len(traces) == 1000
    assert any(isinstance(row, Unsearched) and "2,000 more" in row.reason for row in rows)
