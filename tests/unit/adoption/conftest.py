"""A small world of makers and families, and the way from rows to shares."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.adoption.listing.bases import load_bases
from weighbridge.adoption.listing.database import open_database
from weighbridge.adoption.report import Measured, measure
from weighbridge.knowledge.load import Knowledge
from weighbridge.knowledge.tables import Family, Organisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from weighbridge.adoption.definition import Definition
    from weighbridge.adoption.listing.database import Database

MAKERS = {
    "Qwen": ("CN", "company"), "deepseek-ai": ("CN", "company"), "meta-llama": ("US", "company"),
    "mistralai": ("FR", "company"), "unsloth": ("US", "quantizer"), "quants": ("ZZ", "quantizer"),
    "vendor": ("US", "inference"), "tests": ("US", "test"),
}  # fmt: skip
FAMILIES = (
    Family("Qwen", "qwen", "Qwen", "made up"),
    Family("Llama", "llama", "meta-llama", "made up", not_pattern="ollama"),
    Family("Mistral", "mistral", "mistralai", "made up"),
    Family("DeepSeek", "deepseek", "deepseek-ai", "made up"),
    Family("Yi", "^yi$", "01-ai", "made up"),
)


class Rows:
    """Measures rows written as JSON lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known = Knowledge(
            [Organisation(name, name, country, kind, "made up") for name, (country, kind) in MAKERS.items()],
            FAMILIES,
            (),
            (),
        )

    def write(self, rows: Sequence[dict[str, Any]], name: str = "hub-2026-10-05.jsonl") -> Path:
        """Write a listing; what a row leaves out is a generative model with ten downloads."""
        usual = {"downloads": 10, "pipeline_tag": "text-generation", "createdAt": "2026-09-01T00:00:00.000Z"}
        path = self.folder / name
        path.write_text("".join(json.dumps({**usual, **row}) + "\n" for row in rows))
        return path

    @contextmanager
    def database(self, *paths: Path, bases: Sequence[Path] = ()) -> Iterator[Database]:
        """Open the database over files."""
        with open_database([*paths, *bases]) as database:
            load_bases(database, bases)
            yield database

    def measure(
        self, definition: Definition, *paths: Path, bases: Sequence[Path] = (), columns: dict[str, str] | None = None
    ) -> list[Measured]:
        """Measure files."""
        with self.database(*paths, bases=bases) as database:
            return measure(database, paths, definition, self.known, columns=columns or {}, advance=lambda _units: None)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Give the small world, with a folder."""
    return Rows(tmp_path)
