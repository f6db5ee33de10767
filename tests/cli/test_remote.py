from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import safetensors_raw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import CommandLine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """Serve a model of 4 GB."""
    folder = tmp_path / "hub" / "acme" / "big"
    folder.mkdir(parents=True)
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2_000_000_000], "data_offsets": [0, 4_000_000_000]}}).encode()
    (folder / "model.safetensors").write_bytes(safetensors_raw(header))
    (folder / "sizes.json").write_text(json.dumps({"model.safetensors": 8 + len(header) + 4_000_000_000}))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with HubServer(tmp_path / "hub") as server:
        yield server


@pytest.mark.parametrize(("kind", "variable"), [("hf", "HF_ENDPOINT"), ("ms", "MODELSCOPE_ENDPOINT")])
def test_a_model_on_a_hub_is_inspected(weighbridge: CommandLine, hub: HubServer, kind: str, variable: str) -> None:
    """The person sees the commit, what was read of how much, and how to get the whole."""
    done = weighbridge("inspect", f"{kind}:acme/big", **{variable: hub.url})
    assert done.returncode == 0, done.stderr
    assert "4 GB" in done.stdout
    assert f"commit {hub.commit('acme/big')}: read 0." in done.stdout
    assert "2 B parameters" in done.stdout
    assert f"`weighbridge mirror {kind}:acme/big@" in done.stdout.splitlines()[-1]


def test_weighing_asks_for_a_download_first(weighbridge: CommandLine, hub: HubServer) -> None:
    """A file of holes is never run."""
    done = weighbridge("weigh", "hf:acme/big", HF_ENDPOINT=hub.url)
    assert done.returncode == 2
    assert "was not downloaded" in done.stderr
    assert "weighbridge mirror hf:acme/big@" in done.stderr


@pytest.mark.parametrize(
    ("env", "code", "message"),
    [
        ({"WEIGHBRIDGE_OFFLINE": "1"}, 3, "stay offline"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, 3, "connection failed"),
        ({"HF_ENDPOINT": "nonsense"}, 2, "HF_ENDPOINT"),
    ],
)
def test_a_hub_that_cannot_be_asked(weighbridge: CommandLine, env: dict[str, str], code: int, message: str) -> None:
    """One sentence, a hint, and a code that says whose turn it is."""
    done = weighbridge("inspect", "hf:acme/big", **env)
    assert done.returncode == code
    assert message in done.stderr
    assert "hint:" in done.stderr


def test_what_the_hub_says_is_shown_as_its_word(weighbridge: CommandLine, hub: HubServer) -> None:
    """Publisher and mark, base models with their relation, and each file that the hub's scanners do not like."""
    hub.write("acme/big", {"pytorch_model.bin": b"\x80\x04."})
    found = hub.repository("acme/big")
    assert found is not None
    found.scans["pytorch_model.bin"] = "unsafe"
    found.facts["baseModels"] = {"relation": "quantized", "models": [{"id": "acme/base"}]}
    done = weighbridge("inspect", "hf:acme/big", HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr
    for text in ("published by acme", "verified by the hub", "acme/base (quantized)", "unsafe: pytorch_model.bin"):
        assert text in done.stdout
