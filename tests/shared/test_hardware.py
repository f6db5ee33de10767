"""The devices that ship, against the table of collected datasheets (hardware.csv)."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from weighbridge.inspection.fit.devices import devices

SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
TABLE = SHARED / "data" / "hardware.csv"
ROWS = list(csv.DictReader(TABLE.read_text("utf-8").splitlines())) if TABLE.is_file() else []
GIB = 1 << 30

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not ROWS, reason=f"{TABLE} is absent")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_row_ships_as_its_source_says_it(row: dict[str, str]) -> None:
    """Bandwidth, peaks, confidence and source are the row's; what can be allocated is near what it prints."""
    device = devices()[row["id"]]
    assert (device.vendor, device.name, device.source) == (row["vendor"], row["name"], row["source"])
    assert device.confidence == row["confidence"]
    assert device.bandwidth == (float(row["memory_bandwidth_gb_s"]) if row["memory_bandwidth_gb_s"] else None)
    peaks = {column.split("_", maxsplit=1)[0]: value for column, value in row.items() if "_dense_t" in column}
    assert device.tflops == {kind: float(value) for kind, value in peaks.items() if value}
    if not row["memory_gb"]:
        assert device.memory is None
        return
    assert device.memory is not None
    printed = float(row["memory_gb"])
    share = 0.6 if device.vendor == "Apple" else 0.9
    assert share * printed * 1e9 <= device.memory.low <= device.memory.high <= printed * GIB
