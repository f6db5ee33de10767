"""Hash runs of words, the same on every machine, so that an index of them can ship."""

from __future__ import annotations

from zlib import crc32

__all__ = ["SHINGLE_WORDS", "code_of", "sample_shingles", "shingles_of", "shingles_of_codes"]

SHINGLE_WORDS = 4
_FEWEST = 64
_ONE_IN = 16
_MASK = 0xFFFFFFFF
_SPREAD = 2654435761  # Knuth's multiplicative hash: neighbours in value end far apart


def code_of(token: str) -> int:
    """Return the 32-bit code of a word."""
    return crc32(token.encode("utf-8", "replace"))


def shingles_of(tokens: list[str]) -> set[int]:
    """Return the 32-bit hash of every run of four words; of a shorter text, of what there is."""
    codes = {token: code_of(token) for token in set(tokens)}
    return shingles_of_codes([codes[token] for token in tokens])


def shingles_of_codes(codes: list[int]) -> set[int]:
    """Return the hashes of runs of words given by their codes."""
    codes = codes + [0] * (SHINGLE_WORDS - len(codes))
    return {
        ((one * 31 + two) * 1009 + three * 65599 + four) * _SPREAD & _MASK
        for one, two, three, four in zip(codes, codes[1:], codes[2:], codes[3:], strict=False)
    }


def sample_shingles(shingles: set[int]) -> list[int]:
    """Return the smallest hashes of a reference (64, or one in 16): a fair sample of its runs of words."""
    return sorted(shingles)[: max(_FEWEST, len(shingles) // _ONE_IN)]
