"""Latency as one user sees it: time to the first token (TTFT), time per output token after it (TPOT)."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.interval import quantile_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.engine.protocol import Completion

__all__ = ["latency_body", "machine"]

_MAX_CPUINFO = 1 << 16


def latency_body(completions: Sequence[Completion]) -> dict[str, Any]:
    """Return the three estimates of `LatencyV1`, in seconds; None where too few answers bound them."""
    first = [c.first_token_s for c in completions if c.first_token_s is not None]
    each = [
        (c.total_s - c.first_token_s) / (c.completion_tokens - 1)
        for c in completions
        if c.first_token_s is not None and c.total_s is not None and (c.completion_tokens or 0) > 1
        if c.completion_tokens is not None
    ]
    return {
        "ttft_median_s": _json(quantile_estimate(first, 0.5)),
        "ttft_p90_s": _json(quantile_estimate(first, 0.9)),
        "tpot_median_s": _json(quantile_estimate(each, 0.5)),
    }


def machine() -> str:
    """Return the processor and the cores that this process may use: a latency belongs to a machine."""
    name = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as stream:
            for line in stream.read(_MAX_CPUINFO).splitlines():
                if line.startswith("model name"):
                    name = line.partition(":")[2].strip()
                    break
    except OSError:
        pass
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    """Return an estimate as JSON, or None."""
    return estimate.to_json() if estimate else None
