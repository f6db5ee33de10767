"""What a search leaves out is said, what its name hides is read, and what is of other programs is no model."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.search import Search
from weighbridge.knowledge.load import load_knowledge
from weighbridge.testing.tiny_weights import safetensors_bytes

if TYPE_CHECKING:
    from pathlib import Path

NAME = "deepseek-ai/DeepSeek-R1"


def search(root: Path) -> tuple[list[str], list[str]]:
    """Return the names that a search finds, and the reasons why places were not searched."""
    every = list(Search(root, load_knowledge()))
    return (
        [one.name for one in every if isinstance(one, Found)],
        [one.reason for one in every if isinstance(one, Unsearched)],
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("serve-it", f"#!/usr/bin/env python3\nAutoModel.from_pretrained('{NAME}')\n"),
        ("run.v2", f"#!/bin/sh\nvllm serve {NAME}\n"),
        ("settings", f"model_id: {NAME}\n"),
        (".llmrc", f"model_id = {NAME}\n"),
        ("dvc.lock", f"params:\n  base_model: {NAME}\n"),
    ],
)
def test_texts_whose_names_do_not_tell_are_read(tmp_path: Path, file: str, text: str) -> None:
    """Scripts by their first line, configuration without an ending, and locks that are no lists of packages."""
    (tmp_path / file).write_text(text)
    assert search(tmp_path) == ([NAME], [])


def test_what_may_name_a_model_and_is_not_read_is_said_once_a_kind(tmp_path: Path) -> None:
    """Minified code and databases end a proof of absence; each kind is one line with its count."""
    for name in ("a.min.js", "b.min.js"):
        (tmp_path / name).write_text(f'f("{NAME}")')
    with sqlite3.connect(tmp_path / "chats.dat") as database:
        database.execute("create table models (name)")
    database.close()
    found, reasons = search(tmp_path)
    assert found == []
    assert reasons == [
        "holds files that are not read: minified scripts or their maps (2)",
        "holds files that are not read: databases of SQLite (1)",
    ]


def test_what_lies_beside_the_snapshots_of_a_cache_is_searched(tmp_path: Path) -> None:
    """A cache's folder hides no weights that somebody else put into it."""
    cache = tmp_path / "models--Qwen--Qwen3-8B"
    (cache / "snapshots" / ("a" * 40)).mkdir(parents=True)
    (cache / "extra").mkdir()
    for place in (cache, cache / "extra"):
        (place / "other.safetensors").write_bytes(safetensors_bytes({"w": ("F32", (2, 2), 16)}))
    found, _ = search(tmp_path)
    assert found.count("Qwen/Qwen3-8B") == 1
    assert found.count("other.safetensors") == 2


@pytest.mark.parametrize(
    ("file", "data"),
    [
        (".env", b"PRINTER_MODEL=canon/mf-240\n"),
        ("tokenizer.json", b'{"version": "1.0", "model": {"type": "BPE"}}'),
        ("config.json", b'{"model_type": "saas", "plan": "free"}'),
        ("config.yaml", b"model_type: saas\n"),
        ("model_3.bin", bytes.fromhex("9f3c7b01e4d2") * 200),
        ("LICENSE", b"Permission is hereby granted, free of charge, to any person\n"),
        ("uv.lock", b'[[package]]\nname = "deepseek-ai"\n'),
    ],
)
def test_files_of_other_programs_leave_a_clean_tree_clean(tmp_path: Path, file: str, data: bytes) -> None:
    """Names that models share with printers, plans and machines are no traces, not even weak ones."""
    (tmp_path / file).write_bytes(data)
    assert search(tmp_path) == ([], [])


def test_what_was_left_out_by_rule_is_counted(tmp_path: Path) -> None:
    """Lists of packages and vocabularies are not read, and are counted under their rule."""
    (tmp_path / "uv.lock").write_text("version = 1\n")
    one = Search(tmp_path, load_knowledge())
    assert list(one) == []
    assert one.looked.skipped == {"lists of packages, vocabularies, styles and generated code": 1}


def test_list_longer_than_what_is_read_is_said(tmp_path: Path) -> None:
    """Of a column with 1,200 names a thousand are found, and the rest ends a proof of absence."""
    (tmp_path / "models.csv").write_text("repo_id\n" + "".join(f"somebody/thing-{n}\n" for n in range(1200)))
    found, reasons = search(tmp_path)
    assert len(found) == 1000
    assert reasons == ["names more than 1,000 models"]
