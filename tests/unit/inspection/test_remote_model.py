from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import UsageError
from weighbridge.hub.huggingface import HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.hub.remote.settings import RemoteSettings
from weighbridge.inspection.files import inspect_files
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.inspect import inspect_artefact
from weighbridge.inspection.tables.weights import find_weights
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import gguf_bytes, safetensors_raw
from weighbridge.workflow.evaluation.measure import EngineChoice, choose_engine
from weighbridge.workflow.inspection.look import look

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.core.artefact import Artefact

TODAY = date(2026, 11, 22)
EACH = 1_000_000_000


def _publish(root: Path, shards: int, tensors: int, others: dict[str, bytes], *, tensor: str = "weight") -> Path:
    folder = root / "acme" / "big"
    folder.mkdir(parents=True)
    sizes = {}
    for number in range(1, shards + 1):
        name = f"model-{number:05d}-of-{shards:05d}.safetensors"
        each = EACH // tensors
        header = {
            f"model.layers.{number}.{at}.{tensor}": {
                "dtype": "F8_E4M3", "shape": [each], "data_offsets": [at * each, (at + 1) * each]
            }
            for at in range(tensors)
        }  # fmt: skip
        data = safetensors_raw(json.dumps(header).encode())
        (folder / name).write_bytes(data)
        sizes[name] = len(data) + EACH
    (folder / "sizes.json").write_text(json.dumps(sizes))
    for name, data in {"config.json": b'{"model_type": "llama"}', **others}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return root


def _artefact(root: Path, cache: Path, kind: str = "hf", **settings: Any) -> Artefact:
    with HubServer(root) as hub:
        given = RemoteSettings(hub.url, cache=cache, **settings)
        adapter = HuggingFaceHub(given) if kind == "hf" else ModelScopeHub(given)
        return adapter.resolve(Reference.parse(f"{kind}:acme/big"), None, silent)


def _findings(artefact: Artefact, check: str) -> dict[str, str]:
    found = inspect_files(artefact, TODAY).body["findings"]
    return {finding["place"]: finding["message"] for finding in found if finding["check"] == check}


def test_holes_are_not_taken_for_damage(tmp_path: Path) -> None:
    """Shards whose tables were not read are stand-ins of their true size and zeros: no check says a word of them."""
    root = _publish(tmp_path / "hub", 9, 400, {})
    artefact = _artefact(root, tmp_path / "cache", "ms", budget_bytes=200_000)
    assert artefact.shadow is not None
    assert 0 < sum(file.is_table_read for file in artefact.shadow.weights) < 9
    body = inspect_files(artefact, TODAY).body
    assert [finding["check"] for finding in body["findings"]] == ["no-licence-file"]
    assert any("no weights" in left["reason"] and left["name"] == "." for left in body["left_alone"])


@pytest.mark.parametrize(("kind", "by"), [("ms", "header lengths"), ("hf", "hub's count")])
def test_bytes_are_exact_where_tables_are_not_whole(tmp_path: Path, kind: str, by: str) -> None:
    """No total of parameters is made of a part of the tables; what all of them take is known, and by which way."""
    root = _publish(tmp_path / "hub", 9, 400, {})
    weights = find_weights(Folder(_artefact(root, tmp_path / "cache", kind, budget_bytes=200_000)))
    assert not weights.is_whole
    assert (weights.stored_bytes, weights.stored_by) == (9 * EACH, by)
    assert any("stayed on the hub" in note for note in weights.notes)


def test_whole_tables_are_as_good_as_a_download(tmp_path: Path) -> None:
    """Where all headers were read, elements and bytes are counted as they are in a folder."""
    weights = find_weights(Folder(_artefact(_publish(tmp_path / "hub", 3, 5, {}), tmp_path / "cache")))
    assert weights.is_whole
    assert (weights.tally.weights, weights.tally.n_bytes, weights.stored_bytes) == (3 * EACH, 3 * EACH, None)


def test_scales_of_some_tables_are_not_the_models(tmp_path: Path) -> None:
    """What a part of the tables adds up to is no figure of the whole."""
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100,
    }  # fmt: skip
    root = _publish(tmp_path / "hub", 9, 400, {"config.json": json.dumps(config).encode()}, tensor="weight_scale_inv")
    parts, tables = [], []
    for budget in (200_000, 8_000_000):
        artefact = _artefact(root, tmp_path / str(budget), "ms", budget_bytes=budget)
        tables.append(find_weights(Folder(artefact)))
        (anatomy,) = (one for one in inspect_artefact(artefact, TODAY) if one.kind == "anatomy/v2")
        parts.append(anatomy.body["parameters"]["parts"])
    assert [table.is_whole for table in tables] == [False, True]
    assert tables[0].tally.scales > 0
    assert ("scales" in parts[0], parts[1]["scales"]) == (False, 9 * EACH)


def test_code_is_found_by_name_where_its_bytes_stayed_on_the_hub(tmp_path: Path) -> None:
    """Pickles in storage, and scripts that were not fetched: a name is a claim, and it is passed on."""
    others = {"pytorch_model.bin": b"\x80\x04.", "tools/run.py": b"import os", "modeling.py": b"import os"}
    artefact = _artefact(_publish(tmp_path / "hub", 1, 5, others), tmp_path / "cache")
    found = _findings(artefact, "unread-code")
    assert set(found) | set(_findings(artefact, "python-code")) == set(others)  # small scripts are fetched, and read
    assert "is named like a pickle" in found["pytorch_model.bin"]


def test_quantizations_that_stay_on_the_hub_are_named(tmp_path: Path) -> None:
    """Several GGUF models: none is chosen, none is called damaged or missing."""
    others = {f"big-Q{bits}_0.gguf": gguf_bytes({}, []) for bits in (4, 8)}
    root = _publish(tmp_path / "hub", 1, 5, others)
    (root / "acme/big/model-00001-of-00001.safetensors").unlink()
    artefact = _artefact(root, tmp_path / "cache")
    assert (
        not _findings(artefact, "damaged-weights")
        | _findings(artefact, "missing-shard")
        | _findings(artefact, "no-weights")
    )
    assert "holds 2 models" in find_weights(Folder(artefact)).notes[0]


def test_a_damaged_header_on_the_hub_is_a_finding(tmp_path: Path) -> None:
    """What its own bytes say is judged as in a folder."""
    root = _publish(tmp_path / "hub", 1, 5, {})
    (root / "acme/big/model-00001-of-00001.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    (found,) = _findings(_artefact(root, tmp_path / "cache"), "damaged-weights").values()
    assert "claims a header of 1152921504606846976 bytes" in found


def test_what_was_not_downloaded_is_not_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its evidence is not stored under the digest of the whole, and no engine is started."""
    root = _publish(tmp_path / "hub", 1, 5, {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with HubServer(root) as hub, closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(UsageError, match="was not downloaded") as caught:
            look("hf:acme/big", on=TODAY, store=store)
        assert store.verify() == 0
        inspected = look("hf:acme/big", on=TODAY)
        commit = hub.commit("acme/big")
    assert f"weighbridge mirror hf:acme/big@{commit} --to ./models`, then give `./models/hf/acme/big/{commit}`" in (
        caught.value.hint or ""
    )
    said = choose_engine(inspected.artefact, EngineChoice())
    assert isinstance(said, str)
    assert "only its headers were read" in said
