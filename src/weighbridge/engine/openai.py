"""Any OpenAI-compatible server over HTTP: vLLM, SGLang, llama.cpp, Ollama, LM Studio, a vendor's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.engine.http import HTTPEngine
from weighbridge.engine.protocol import Completion, EngineIdentity, Request
from weighbridge.engine.wire.answer import parse_answer
from weighbridge.engine.wire.ask import body_of, impossible
from weighbridge.engine.wire.bounds import read_json
from weighbridge.engine.wire.dialect import OTHER, recognise
from weighbridge.engine.wire.stream import Events, Stream

if TYPE_CHECKING:
    from weighbridge.engine.http import Reply
    from weighbridge.engine.limits import Limits

__all__ = ["OpenAIEngine"]

_AZURE = "azure"
_MAX_LIST = 1 << 20  # bytes of a list of models; a vendor's longest has some hundred entries


class OpenAIEngine(HTTPEngine):
    """One model behind `base_url` (which ends in `/v1`, or wherever `/chat/completions` follows).

    `dialect` is how the server spells what few requests ask for; it is recognised on entering. What a server refuses
    is learnt once (`habits`).
    """

    _path = {"chat": "/chat/completions", "completion": "/completions"}  # noqa: RUF012 - read only

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        limits: Limits | None = None,
        identity: EngineIdentity | None = None,
    ) -> None:
        address = base_url.rstrip("/")
        super().__init__(address, identity or EngineIdentity("openai", model, address=address), key, limits)
        self.model = model
        self.dialect = recognise(self.base_url)
        self.models: Any = None
        self.server: str | None = None

    def _headers(self) -> dict[str, str]:
        """Return the key as a bearer's, or the way Azure takes it."""
        if not self._key:
            return {}
        return {"api-key": self._key} if self.dialect.name == _AZURE else {"authorization": f"Bearer {self._key}"}

    def _listened(self, models: Reply) -> None:
        """Recognise the server by the list of models, where its host does not tell."""
        self.models = read_json(models.body) if len(models.body) <= _MAX_LIST else None
        self.server = models.server
        if self.dialect.name == OTHER:
            self.dialect = recognise(self.base_url, self.models, models.server)

    def _body(self, request: Request) -> dict[str, Any] | str:
        """Return the body in the server's dialect, or why there is none."""
        return impossible(request, self.dialect) or body_of(request, self.model, self.dialect)

    def _read(self, body: bytes, request: Request) -> Completion:
        """Read an answer that comes in one piece."""
        return parse_answer(body, request)

    def _events(self) -> Events:
        """Return a reader for a streamed answer."""
        return Stream()
