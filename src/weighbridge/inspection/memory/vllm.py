"""vLLM's memory equation: what it plans with, less weights, peak activation and the rest, is room for the cache.

Satisfied to 0.01 GiB by 7 of the 8 runs that llm-d-planner publishes (docs/empirical-vllm-memory-results.md).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Room", "cache_room"]


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes for the cache on one device; 0 or less where the weights alone are too much."""

    n_bytes: int

    def tokens(self, bytes_per_block: int, block: int) -> int:
        """Return how many tokens whole blocks of `block` tokens hold."""
        return max(self.n_bytes, 0) // bytes_per_block * block

    def sequences(self, bytes_per_sequence: int) -> int:
        """Return how many sequences of one length fit at once."""
        return max(self.n_bytes, 0) // bytes_per_sequence if bytes_per_sequence else 0


def cache_room(total: int, utilization: float, *, weights: int, activation: int, others: int) -> Room:
    """Return utilization * total - weights - peak activation - non-torch memory, all in bytes of one device."""
    return Room(int(utilization * total) - weights - activation - others)
