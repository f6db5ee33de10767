"""Read the machine at hand: memory and its limits, CPU, and accelerators where their tools answer."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.inspection.fit.devices import Device
from weighbridge.inspection.memory.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Machine", "Probe", "read_machine"]

_KIB, _MIB = 1 << 10, 1 << 20
_MAX_BYTES = 1 << 20
_PATIENCE_S = 10
_MOST_GPUS = 64
_UNLIMITED = 1 << 60
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total,memory.reserved", "--format=csv,noheader,nounits")
_AMD = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--csv")
_ASCEND = ("npu-smi", "info")
_APPLE = ("sysctl", "-n", "hw.memsize", "machdep.cpu.brand_string", "iogpu.wired_limit_mb")
_SHARE = 0.75  # what Metal recommends without a limit of the user's own


def _read(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _run(command: Sequence[str]) -> str | None:
    """Return what a tool prints, or None where it is absent, fails or does not answer."""
    tool = shutil.which(command[0])
    if tool is None:
        return None
    try:
        done = subprocess.run([tool, *command[1:]], capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout[:_MAX_BYTES].decode("utf-8", "replace") if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Probe:
    """How the machine is looked at: a file's text, a tool's output, or None."""

    read: Callable[[str], str | None] = _read
    run: Callable[[Sequence[str]], str | None] = _run


@dataclass(frozen=True, slots=True)
class Machine:
    """The CPU with its memory, and accelerators of one kind; `others` names those of another kind."""

    cpu: Device | None
    accelerator: Device | None = None
    count: int = 0
    cores: int | None = None
    others: tuple[str, ...] = field(default=())


def read_machine(probe: Probe | None = None) -> Machine:
    """Read the machine; what cannot be read is absent. Raises nothing."""
    probe = probe or Probe()
    info = probe.read("/proc/cpuinfo") or ""
    found = _nvidia(probe) or _amd(probe) or _ascend(probe) or _apple(probe)
    names = [device.name for device in found]
    alike = [device for device in found if device == found[0]] if found else []
    return Machine(
        cpu=_cpu(probe, info),
        accelerator=found[0] if found else None,
        count=len(alike),
        cores=len(re.findall(r"^processor\s*:", info, re.MULTILINE)) or None,
        others=tuple(names[len(alike) :]),
    )


def _cpu(probe: Probe, info: str) -> Device | None:
    """Return the CPU with the memory that a process could get: free now at least, all of it or the limit at most."""
    memory = probe.read("/proc/meminfo") or ""
    total, free = (_kib(memory, key) for key in ("MemTotal", "MemAvailable"))
    if total is None:
        return None
    limits = [limit for path in _LIMITS if (limit := _number(probe.read(path))) and limit < _UNLIMITED]
    most = min([total, *limits])
    name = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    said = "MemAvailable to MemTotal" + (", within a control group's limit" if most < total else "")
    return Device(
        id="cpu", vendor="CPU", name=name[1].strip() if name else "CPU", memory=Span(min(free or 0, most), most),
        memory_said=said, confidence="high", source="/proc/meminfo", cpu=_class(info),
    )  # fmt: skip


def _class(info: str) -> str | None:
    """Return the class of `repack.toml` that the CPU's flags show; None where they show none."""
    flags = set(re.findall(r"\w+", " ".join(re.findall(r"^(?:flags|Features)\s*:\s*(.+)$", info, re.MULTILINE)[:1])))
    if "avx2" in flags:
        return "x86-avx2"
    if "asimddp" in flags:
        return "arm-dotprod"
    return "none" if flags else None


def _kib(text: str, key: str) -> int | None:
    found = re.search(rf"^{key}:\s+(\d{{1,15}}) kB", text, re.MULTILINE)
    return int(found[1]) * _KIB if found else None


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else None  # noqa: PLR2004 - 2**64


def _accelerator(vendor: str, name: str, memory: Span, source: str) -> Device:
    return Device(
        id="this", vendor=vendor, name=name, memory=memory, memory_said=f"{source} on this machine",
        confidence="high", source=source,
    )  # fmt: skip


def _nvidia(probe: Probe) -> list[Device]:
    """Total memory less what the driver reserves, in MiB."""
    devices = []
    for line in (probe.run(_NVIDIA) or "").splitlines()[:_MOST_GPUS]:
        name, _, numbers = line.partition(",")
        total, _, reserved = numbers.partition(",")
        n_total, n_reserved = _number(total), _number(reserved) or 0
        if name.strip() and n_total and n_reserved < n_total:
            memory = Span.of((n_total - n_reserved) * _MIB)
            devices.append(_accelerator("NVIDIA", name.strip(), memory, "nvidia-smi"))
    return devices


def _amd(probe: Probe) -> list[Device]:
    """Read the column of total VRAM, in bytes."""
    lines = [line.split(",") for line in (probe.run(_AMD) or "").splitlines() if "," in line]
    if not lines:
        return []
    at = next((i for i, cell in enumerate(lines[0]) if "VRAM Total Memory" in cell), None)
    named = next((i for i, cell in enumerate(lines[0]) if cell.strip() in {"Card Series", "Card series"}), None)
    devices = []
    for cells in lines[1 : _MOST_GPUS + 1]:
        total = _number(cells[at]) if at is not None and at < len(cells) else None
        if total:
            name = cells[named].strip() if named is not None and named < len(cells) else "AMD accelerator"
            devices.append(_accelerator("AMD", name, Span.of(total), "rocm-smi"))
    return devices


def _ascend(probe: Probe) -> list[Device]:
    """Chips in the table of npu-smi: a row with a name, then one that ends with used and total HBM in MB."""
    devices: list[Device] = []
    name = ""
    for line in (probe.run(_ASCEND) or "").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if found := re.match(r"\d+\s+([A-Za-z]*\d\w*)", cells[0] if cells else ""):
            name = found[1]
        totals = re.findall(r"(\d+)\s*/\s*(\d+)", cells[-1]) if len(cells) > 2 else []  # noqa: PLR2004 - a row of a chip
        if totals and name and int(totals[-1][1][:9]) > 0 and len(devices) < _MOST_GPUS:
            memory = Span.of(int(totals[-1][1][:9]) * _MIB).scaled(0.92, 1.0)  # torch_npu sees 29.49 and 60.96 GiB
            devices.append(_accelerator("Huawei", f"Ascend {name}", memory, "npu-smi"))
            name = ""
    return devices


def _apple(probe: Probe) -> list[Device]:
    """Unified memory up to the wired limit; without a limit of the user's own three quarters of it."""
    lines = (probe.run(_APPLE) or "").splitlines()
    total = _number(lines[0]) if lines else None
    if not total or len(lines) < 2 or "Apple" not in lines[1]:  # noqa: PLR2004 - memory and name
        return []
    limit = (_number(lines[2]) or 0) * _MIB if len(lines) > 2 else 0  # noqa: PLR2004
    memory = Span.of(min(limit, total)) if limit else Span.of(int(total * _SHARE))
    return [_accelerator("Apple", lines[1].strip(), memory, "sysctl")]
