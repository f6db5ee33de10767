"""A room in a process: messages as lines of JSON on two inherited pipes (`python -m guest.process IN OUT LIMITS`)."""

from __future__ import annotations

import os
import resource
import sys

from .rooms import Room


def _bound(memory_bytes: int, seconds: int) -> None:
    """Take the limits on; an unprivileged process cannot raise them again."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 16 << 20),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))


def main() -> None:
    """Serve until the host closes the pipe."""
    asked, told, memory_bytes, seconds = map(int, sys.argv[1:])
    _bound(memory_bytes, seconds)
    with os.fdopen(asked, encoding="ascii") as messages, os.fdopen(told, "w", encoding="ascii") as replies:

        def send(text: str) -> None:
            replies.write(text + "\n")
            replies.flush()

        def reach(message: str) -> str:
            send("?" + message)
            return messages.readline()

        room = Room(reach)
        for message in messages:
            send("=" + room.serve(message))


if __name__ == "__main__":
    main()
