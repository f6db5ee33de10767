from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.dossier.sarif import sarif_log, sarif_run
from weighbridge.inspection.inspect import inspect_files_alone
from weighbridge.testing.hostile_pickles import called
from weighbridge.testing.pinned import pin

if TYPE_CHECKING:
    from pathlib import Path


def _results(folder: Path) -> list[dict[str, Any]]:
    artefact = pin(folder)
    files, safety = inspect_files_alone(artefact, date(2026, 11, 21))
    (run,) = sarif_log([sarif_run(artefact.digest, files.body, safety.body)])["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == rules
    return list(run["results"])


def test_a_finding_becomes_a_result_with_its_place(tmp_path: Path) -> None:
    """Level, effect and the file as a URI: a space is escaped, as RFC 3986 wants."""
    (tmp_path / "my model.pkl").write_bytes(called("os", "system"))
    (result,) = [one for one in _results(tmp_path) if one["ruleId"] == "pickle-code"]
    assert (result["level"], result["properties"]["effect"]) == ("error", "runs-code")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20model.pkl"


def test_an_unread_file_is_an_open_result(tmp_path: Path) -> None:
    """SARIF 2.1.0, 3.27.9: a kind other than "fail" has no level; a gate must not read silence as clean."""
    (tmp_path / "blob").write_bytes(bytes(range(128, 256)) * 4)
    (result,) = [one for one in _results(tmp_path) if one["ruleId"] == "unread-file"]
    assert (result["kind"], result["level"]) == ("open", "none")
