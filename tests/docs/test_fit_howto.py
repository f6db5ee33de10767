"""What the page about fits prints is true."""

from __future__ import annotations

import re
from pathlib import Path

from weighbridge.inspection.fit.devices import device_named, devices, read_devices
from weighbridge.inspection.memory.engines import engines

PAGE = (Path(__file__).resolve().parents[2] / "docs/howto/fit.md").read_text("utf-8")


def test_the_device_of_the_how_to_loads(tmp_path: Path) -> None:
    """The TOML block is a device as it stands."""
    block = next(block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "vendor" in block)
    (tmp_path / "own.toml").write_text(block)
    device, _ = device_named("my-card", read_devices(tmp_path / "own.toml"))
    assert device.memory is not None
    assert (device.bandwidth, device.computes("fp8"), device.computes("fp4")) == (900, True, False)


def test_every_device_and_engine_of_the_how_to_is_known() -> None:
    """Devices after `--on`, and the engines of the table."""
    for name in re.findall(r"--on ([\w:-]+)", PAGE):
        assert name == "this" or device_named(name, devices())
    assert set(re.findall(r"^\| \| (.+) \|$", PAGE, re.MULTILINE)[0].split(" | ")) == set(engines())
