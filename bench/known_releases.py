"""Write the release table of `weighbridge claims` from collected releases and vendors' counts.

    python bench/known_releases.py ../shared/data > src/weighbridge/inspection/claims/data/releases.json

Rows are [id, date, how the date is known, total, active, context, licence, source, note]; what is not known is null.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

_REVIEWED = "Interconnects-AI/tracked-models, model_parameters"


def main() -> None:
    """Print the rows."""
    data = Path(sys.argv[1])
    rows: dict[str, list[object]] = {}
    with (data / "releases.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            is_weak = row["date_basis"] != "announced" or "not re-fetched" in row["source"]
            rows[row["model"]] = [
                row["model"], row["date"] or None, row["date_basis"] + (", weak" if is_weak else ""),
                _count(row["total_params"]), _count(row["active_params"]), _count(row["context"]),
                row["licence"] or None, row["source"], row["notes"],
            ]  # fmt: skip
    tracked = data / "tracked_models"
    with (tracked / "model_parameters.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["model_id"] not in rows and row["active_params_b"]:
                counts = [round(float(row[key]) * 1e9) for key in ("total_params_b", "active_params_b")]
                rows[row["model_id"]] = [row["model_id"], None, "", *counts, None, None, _REVIEWED, row["notes"]]
    with (tracked / "release_date_corrections.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(line for line in table if not line.startswith("#")):
            known = rows.setdefault(row["model_id"], [row["model_id"], *[None] * 6, "", ""])
            if known[1] is None or "weak" in str(known[2]):
                known[1], known[2] = row["actual_release_date"], "announced"
                known[7] = f"{known[7]}; tracked-models, release_date_corrections".lstrip("; ")
    kept = [row for row in rows.values() if any(row[1:7])]
    print(json.dumps({"source": "collected releases, 2026-11", "rows": sorted(kept, key=lambda row: str(row[0]))},
                     separators=(",", ":")))  # fmt: skip


def _count(text: str) -> int | None:
    return int(text) if text else None


if __name__ == "__main__":
    main()
