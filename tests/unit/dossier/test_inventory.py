"""The inventory as documents: CSV that no spreadsheet runs, a bill that CycloneDX's own validator takes, a page."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from weighbridge.core.digest import digest_of
from weighbridge.core.finding import Confidence
from weighbridge.dossier.inventory.bill import as_cyclonedx, purl_of
from weighbridge.dossier.inventory.page import as_html
from weighbridge.dossier.inventory.table import COLUMNS, as_csv
from weighbridge.inventory.absence import Root, judge_absence
from weighbridge.inventory.denial import parse_denial
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.merge import Seen
from weighbridge.inventory.resolve import resolve_all
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.inventory import Inventory

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DISTILLED = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Return the report of an inventory with a fine-tune, an unknown model and hostile names."""
    known = load_knowledge()
    traces = [
        Found("code", "app.py:1", "x", Confidence.HIGH, reference=f"hf:{DISTILLED}@{COMMIT}"),
        Found("weights", "/srv/=cmd", '=HYPERLINK("http://evil")', Confidence.HIGH, folder="=cmd|' /C calc'!A0",
              digest=f"sha256:{'ab' * 32}", bases=("@SUM(1)",), licence="-1+1"),
        Found("bill", f"bom.json#{EVIL}", EVIL, Confidence.LOW, detail=EVIL),
        Found("list", "models.txt:3", "ms", Confidence.HIGH, reference="ms:ZhipuAI/GLM-4.5"),
    ]  # fmt: skip
    models = resolve_all([Seen(one) for one in traces], known)[0]
    denials = (parse_denial("maker:deepseek-ai", known),)
    unsearched = (Unsearched("/srv/x.zip\x1b[31m", "encrypted"),)
    roots = (Root("/srv", "folder", 4, 1),)
    absence = judge_absence(denials, models, unsearched, roots)
    found = Inventory(tuple(models), unsearched, roots, denials, absence, date(2026, 11, 22), False, {})
    return found.to_json()


def test_report_is_named_by_its_digest(report: dict[str, Any]) -> None:
    """The digest in a report is that of everything else in it."""
    assert report["digest"] == digest_of({key: value for key, value in report.items() if key != "digest"})


def test_csv_has_no_formula(report: dict[str, Any]) -> None:
    """No cell begins as a formula does (OWASP, CSV injection), and every model is one row."""
    rows = list(csv.reader(io.StringIO(as_csv(report))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + len(report["models"])
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=cmd") for row in rows for cell in row)


def test_bill_is_valid_cyclonedx(report: dict[str, Any]) -> None:
    """CycloneDX's own validator takes the bill, and the same report gives the same bytes."""
    bill = as_cyclonedx(report)
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(json.dumps(bill)) is None
    assert bill == as_cyclonedx(report)
    assert len({one["bom-ref"] for one in bill["components"]}) == len(report["models"])


def test_bill_names_model_bases_and_hash(report: dict[str, Any]) -> None:
    """The model has its purl at its commit, its base as ancestor, and files their hash."""
    components = {one["name"]: one for one in as_cyclonedx(report)["components"]}
    distilled = components[DISTILLED]
    assert distilled["purl"] == f"pkg:huggingface/{DISTILLED}@{COMMIT}"
    assert distilled["pedigree"]["ancestors"][0]["purl"] == "pkg:huggingface/Qwen/Qwen2.5-Math-7B"
    assert any(one.get("hashes") == [{"alg": "SHA-256", "content": "ab" * 32}] for one in components.values())


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "01-ai/Yi-1.5_x.y", "a/b"])
def test_purl_reads_back(name: str) -> None:
    """The purl is one that packageurl-python reads back to the same name and version."""
    text = purl_of(f"hf:{name}@main", COMMIT)
    assert text is not None
    purl = PackageURL.from_string(text)
    assert (purl.type, f"{purl.namespace}/{purl.name}", purl.version) == ("huggingface", name, COMMIT)


def test_no_purl_where_there_is_no_type() -> None:
    """ModelScope and files have no purl type, so they have no purl."""
    assert purl_of("ms:Qwen/Qwen3-8B") is None
    assert purl_of("/srv/model") is None


def test_page_escapes_what_strangers_write(report: dict[str, Any]) -> None:
    """Names from files and bills stand on the page as text, control characters spelt out."""
    page = as_html(report)
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert report["digest"] in page
    assert DISTILLED in page
