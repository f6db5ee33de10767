"""Who gives an order at this terminal, for the record."""

from __future__ import annotations

import getpass

__all__ = ["operator_name"]


def operator_name() -> str:
    """Return the name of the account, `operator` where it has none, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
