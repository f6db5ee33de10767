"""What the bodies of one vendor's API say: of a request, of its answer, and of both in a batch file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.wire.batch import openai_line
from weighbridge.engine.wire.habits import Habits

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Request
    from weighbridge.engine.wire.stream import Events

__all__ = ["Bodies"]


class Bodies(ABC):
    """How requests are written and answers are read; nothing here sends anything."""

    def __init__(self) -> None:
        self.habits = Habits()

    @property
    @abstractmethod
    def _path(self) -> dict[str, str]:
        """Where each form is asked, below the base URL."""

    @abstractmethod
    def _headers(self) -> dict[str, str]:
        """Return the headers that carry the key."""

    @abstractmethod
    def _body(self, request: Request) -> dict[str, Any] | str:
        """Return the body of a request, or why it cannot be put to this server."""

    @abstractmethod
    def _read(self, body: bytes, request: Request) -> Completion:
        """Read an answer that comes in one piece."""

    @abstractmethod
    def _events(self) -> Events:
        """Return a reader for a streamed answer."""

    def _line(self, name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return a line of a batch file; most vendors have OpenAI's format."""
        return openai_line(name, path, body)

    def batch_line(self, request: Request, name: str) -> dict[str, Any] | str:
        """Return a request as a line of the vendor's batch file, or why it cannot be put to this server."""
        body = self._body(request)
        if isinstance(body, str):
            return body
        return self._line(name, self._path[request.form], body if self.habits.plain else self.habits.apply(body))

    def batch_answer(self, body: bytes, request: Request) -> Completion:
        """Read an answer that came in a batch file; what is no answer is FAILED with the reason."""
        try:
            return self._read(body, request)
        except Exception as error:  # noqa: BLE001 - whatever stands in the file, the others are read
            return Completion(Outcome.FAILED, detail=f"the answer cannot be read: {type(error).__name__}")
