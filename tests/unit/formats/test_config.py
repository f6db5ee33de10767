from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import DamagedFile
from weighbridge.formats.config import read_config, read_index

if TYPE_CHECKING:
    from pathlib import Path


def test_a_config_is_one_object(tmp_path: Path) -> None:
    """`config.json` comes back as a dict."""
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert read_config(tmp_path / "config.json") == {"model_type": "llama"}


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"'])
def test_a_config_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    """Anything else would fail later and further from its cause."""
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DamagedFile, match="is not a JSON object"):
        read_config(tmp_path / "config.json")


def test_a_huge_config_is_refused_by_its_size(tmp_path: Path) -> None:
    """Nothing of a 500 MB file is read."""
    (tmp_path / "config.json").write_text("{")
    os.truncate(tmp_path / "config.json", 500 << 20)
    with pytest.raises(DamagedFile, match="is 524288000 bytes long; at most 16777216 are read"):
        read_config(tmp_path / "config.json")


def test_an_index_names_its_shards(tmp_path: Path) -> None:
    """The shards are sorted and each stands once."""
    index = {
        "metadata": {"total_size": 8},
        "weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"},
    }
    (tmp_path / "i.json").write_text(json.dumps(index))
    found = read_index(tmp_path / "i.json")
    assert found.files == ("1.safetensors", "2.safetensors")
    assert found.metadata == {"total_size": 8}


@pytest.mark.parametrize("index", [{}, {"weight_map": []}, {"weight_map": {"a": 1}}])
def test_an_index_without_a_map_is_refused(tmp_path: Path, index: object) -> None:
    """An index that maps nothing is not an index."""
    (tmp_path / "i.json").write_text(json.dumps(index))
    with pytest.raises(DamagedFile, match="`weight_map`"):
        read_index(tmp_path / "i.json")


def test_constants_that_python_writes_are_read_as_their_names(tmp_path: Path) -> None:
    """Nemotron-H configs are published with `Infinity`: it is text, which no count accepts."""
    path = tmp_path / "config.json"
    path.write_text('{"time_step_limit": [0.0, Infinity], "a": NaN, "b": -Infinity}')
    assert read_config(path) == {"time_step_limit": [0.0, "Infinity"], "a": "NaN", "b": "-Infinity"}
