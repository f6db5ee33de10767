"""`weighbridge inventory` as a user runs it: the table, denials with their exit codes, documents, lists, endpoints."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Write a small stack: code that loads a distilled model, a compose file, and a bill of materials."""
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "serve.py").write_text(
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")\n'
    )
    (folder / "compose.yaml").write_text(
        "services:\n  llm:\n    image: vllm/vllm-openai:v0.11.0\n"
        "    command: --model mistralai/Mistral-7B-Instruct-v0.2\n"
    )
    return folder


def by_reference(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows of a report by reference."""
    return {row["reference"]: row for row in report["models"]}


def test_models_with_maker_chain_and_licence(weighbridge: Any, stack: Path) -> None:
    """The JSON has reference, maker, base chain and licence of each model, and where it was found."""
    rows = by_reference(weighbridge.json("inventory", str(stack)))
    distilled = rows["hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"]
    assert (distilled["maker"], distilled["maker_country"], distilled["publisher"]) == ("Qwen", "CN", "deepseek-ai")
    assert [step["reference"] for step in distilled["base_chain"]] == [
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "Qwen/Qwen2.5-Math-7B"]  # fmt: skip
    assert distilled["places"][0]["place"].endswith("serve.py:2")
    mistral = rows["hf:mistralai/Mistral-7B-Instruct-v0.2"]
    assert (mistral["maker"], mistral["licence"]) == ("mistralai", "apache-2.0")


def test_denied_maker_is_found_through_lineage(weighbridge: Any, stack: Path) -> None:
    """A denied fine-tuner leaves with 12, says where, and writes the documents that were asked for."""
    done = weighbridge(
        "inventory", str(stack), "--deny", "maker:deepseek-ai", "--csv", "i.csv", "--cyclonedx", "i.cdx.json",
        "--html", "i.html", "--report", "i.json",
    )  # fmt: skip
    assert done.returncode == 12
    assert "denied: hf:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("Next:")
    folder = weighbridge.folder
    rows = list(csv.DictReader((folder / "i.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["denied"] for row in rows} == {"maker:deepseek-ai", ""}
    report = json.loads((folder / "i.json").read_text())
    assert report["digest"] in done.stdout
    assert json.loads((folder / "i.cdx.json").read_text())["specVersion"] == "1.7"
    assert "Which models are in our stack?" in (folder / "i.html").read_text()


def test_list_on_stdin(weighbridge: Any) -> None:
    """`-` reads references from stdin; a line that names nothing is a place not searched."""
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "inventory", "-", "--json", "--deny", "country:CN"],
        cwd=weighbridge.folder, env=weighbridge.env, capture_output=True, text=True, check=False,
        input="# ours\nhf:openai/gpt-oss-20b\nQwen/Qwen3-8B@main\nwhat is this?\n/not/there\n",
    )  # fmt: skip
    assert done.returncode == 12, done.stderr
    report = json.loads(done.stdout)
    assert set(by_reference(report)) == {"hf:openai/gpt-oss-20b", "hf:Qwen/Qwen3-8B"}
    assert len(report["unsearched"]) == 2


def test_endpoint_that_is_another_model(weighbridge: Any, serve: Serve) -> None:
    """A service under one name that loaded another maker's model is denied by that maker, with the contradiction."""
    server = serve(lambda _n, _path: http(b"{}", status="404 Not Found"))
    server.models_reply = http(
        b'{"data": [{"id": "meta-llama/Llama-3.1-8B-Instruct", "root": "moonshotai/Kimi-K2.5"}]}'
    )
    report = weighbridge.json("inventory", server.url, "--deny", "maker:moonshotai", code=12)
    (row,) = report["models"]
    assert set(row["makers"]) == {"meta-llama", "moonshotai"}
    assert "moonshotai/Kimi-K2.5" in row["contradictions"][0]


def test_wrong_use_is_said(weighbridge: Any, stack: Path) -> None:
    """A denial that is not understood ends with 2 and the forms that are."""
    wrong = weighbridge("inventory", str(stack), "--deny", "deepseek")
    assert wrong.returncode == 2
    assert "maker:NAMESPACE" in wrong.stderr
    nowhere = weighbridge("inventory", str(stack), "--csv", str(stack))
    assert nowhere.returncode == 2
    assert "cannot be written" in nowhere.stderr


def test_name_of_a_service_is_no_proof_of_absence(weighbridge: Any, serve: Serve, stack: Path) -> None:
    """A server that gives a name and nothing else shows no absence, though code names the same model."""
    server = serve(lambda _n, _path: http(b"{}", status="404 Not Found"))
    server.models_reply = http(b'{"data": [{"id": "mistralai/Mistral-7B-Instruct-v0.2"}]}')
    report = weighbridge.json("inventory", server.url, "--deny", "maker:deepseek-ai", code=11)
    assert report["models"][0]["maker"] == "mistralai"
    assert "no tokenizer" in report["not_excluded"][0]["why"]
    (stack / "serve.py").unlink()
    weighbridge.json("inventory", str(stack), "--deny", "maker:deepseek-ai", code=0)
    both = weighbridge.json("inventory", str(stack), server.url, "--deny", "maker:deepseek-ai", code=11)
    assert len(both["models"]) == 1


def test_hub_that_is_not_reached_leaves_chains_open(weighbridge: Any) -> None:
    """What --online could not ask is not excluded, though the tables know its maker by its name."""
    weighbridge.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    asked = ("inventory", "hf:mistralai/Mistral-7B-Instruct-v0.2", "--deny", "maker:deepseek-ai")
    weighbridge.json(*asked, code=0)
    report = weighbridge.json(*asked, "--online", code=11)
    assert "did not answer" in report["not_excluded"][0]["why"]


def test_counts_first_then_firm_finds_and_lists_as_one_line(weighbridge: Any, stack: Path) -> None:
    """A price list is one line unless it is asked for; JSON and the answer hold all of its names."""
    rows = "\n".join(f'"openrouter/qwen3-{n}b": 1,' for n in range(1, 90))
    (stack / "prices.json").write_text("{" + rows.rstrip(",") + "}")
    done = weighbridge("inventory", str(stack), "--html", "i.html")
    assert done.stdout.lstrip().startswith("models")
    assert "prices.json: a list of 89 names" in done.stdout
    assert "qwen3-7b" not in done.stdout
    assert "No question was asked" in (weighbridge.folder / "i.html").read_text()
    assert "qwen3-7b" in weighbridge("inventory", str(stack), "--least", "low").stdout
    assert "a list of" not in weighbridge("inventory", str(stack), "--least", "high").stdout
    (stack / "uv.lock").write_text("version = 1\n")
    report = weighbridge.json("inventory", str(stack), "--least", "high")
    assert list(report["absence"]["searched"][0]["skipped"].values()) == [1]
    assert len(report["models"]) == 91
    assert report["summary"]["listed"] == 89
