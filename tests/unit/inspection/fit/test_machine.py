"""Reading the machine at hand, from what its files and tools say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.inspection.fit.machine import Machine, Probe, read_machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MEMINFO = "MemTotal:       16384000 kB\nMemFree:          100000 kB\nMemAvailable:    8192000 kB\n"
CPUINFO = (
    "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse avx avx2\nprocessor\t: 1\nmodel name\t: Some CPU\n"
)
NVIDIA = "NVIDIA H100 80GB HBM3, 81559, 480\nNVIDIA H100 80GB HBM3, 81559, 480\n"
AMD = (
    "device,VRAM Total Memory (B),VRAM Total Used Memory (B),Card Series\n"
    "card0,206141652992,312000512,AMD Instinct MI300X\n"
)
ASCEND = """
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
| 0     910B3               | OK            | 90.1        44                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3373 / 65536         |
| 1     910B3               | OK            | 90.1        44                0    / 0             |
| 0                         | 0000:01:00.0  | 0           0    / 0          3373 / 65536         |
"""


def _machine(files: Mapping[str, str], tools: Mapping[str, str] | None = None) -> Machine:
    def run(command: Sequence[str]) -> str | None:
        return (tools or {}).get(command[0])

    return read_machine(Probe(files.get, run))


FILES = {"/proc/meminfo": MEMINFO, "/proc/cpuinfo": CPUINFO}


def test_a_cpu_offers_what_is_free_at_least() -> None:
    """MemAvailable to MemTotal, and a class by its flags."""
    machine = _machine(FILES)
    assert machine.cpu is not None
    assert machine.cpu.memory is not None
    assert (machine.cpu.name, machine.cpu.cpu, machine.cores) == ("Some CPU", "x86-avx2", 2)
    assert (machine.cpu.memory.low, machine.cpu.memory.high) == (8192000 * KIB, 16384000 * KIB)
    assert machine.accelerator is None


@pytest.mark.parametrize("path", ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"])
def test_a_control_group_limits_memory(path: str) -> None:
    """A container is told how much it may use; `max` is no limit."""
    machine = _machine({**FILES, path: "1073741824\n"})
    assert machine.cpu is not None
    assert machine.cpu.memory is not None
    assert (machine.cpu.memory.low, machine.cpu.memory.high) == (GIB, GIB)
    free = _machine({**FILES, path: "max\n"}).cpu
    assert free is not None
    assert free.memory is not None
    assert free.memory.high == 16384000 * KIB


def test_nvidia_reserves_some_memory() -> None:
    """81,559 MiB in nvidia-smi less 480 reserved are the 79.18 GiB that vLLM sees on an H100."""
    machine = _machine(FILES, {"nvidia-smi": NVIDIA})
    assert machine.accelerator is not None
    assert machine.accelerator.memory is not None
    assert machine.count == 2
    assert machine.accelerator.memory.low == (81559 - 480) * MIB
    assert round(machine.accelerator.memory.low / GIB, 2) == 79.18


def test_amd_and_ascend_are_read() -> None:
    """rocm-smi prints bytes, npu-smi a table with HBM in MB, of which torch_npu can allocate 92% or more."""
    amd = _machine(FILES, {"rocm-smi": AMD}).accelerator
    assert amd is not None
    assert amd.memory is not None
    assert (amd.name, amd.memory.high) == ("AMD Instinct MI300X", 206141652992)
    machine = _machine(FILES, {"npu-smi": ASCEND})
    ascend = machine.accelerator
    assert ascend is not None
    assert ascend.memory is not None
    assert (ascend.name, machine.count) == ("Ascend 910B3", 2)
    assert ascend.memory.low < int(60.96 * GIB) < ascend.memory.high == 65536 * MIB


@pytest.mark.parametrize(("limit", "expected"), [("0", 48 * GIB), ("57344", 56 * GIB)])
def test_apple_shares_its_memory(limit: str, expected: int) -> None:
    """Three quarters, or the user's own wired limit."""
    machine = _machine({}, {"sysctl": f"{64 * GIB}\nApple M3 Max\n{limit}\n"})
    assert machine.cpu is None
    assert machine.accelerator is not None
    assert machine.accelerator.memory is not None
    assert machine.accelerator.memory.low == expected


@pytest.mark.parametrize(
    "noise", ["", "No devices were found\n", ",,,\n", "x" * 10_000, "a, 99999999999999999999999, 1\n"]
)
def test_noise_is_no_device(noise: str) -> None:
    """Whatever tools print, nothing is invented and nothing breaks."""
    tools = dict.fromkeys(("nvidia-smi", "rocm-smi", "npu-smi", "sysctl"), noise)
    assert _machine({}, tools) == Machine(None)


def test_devices_of_another_kind_are_named() -> None:
    """Only alike devices are counted together."""
    machine = _machine(FILES, {"nvidia-smi": NVIDIA + "NVIDIA L4, 23034, 400\n"})
    assert (machine.count, machine.others) == (2, ("NVIDIA L4",))


def test_this_machine_can_be_read() -> None:
    """The real files and tools, on any system: nothing is raised."""
    assert isinstance(read_machine(), Machine)
