"""Pages: what a server says of itself beside its answers: list of models, version, context length, chat template."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from weighbridge.engine.wire.bounds import clean, count, read_json

if TYPE_CHECKING:
    from weighbridge.engine.openai import OpenAIEngine

__all__ = ["Pages", "read_pages"]

_OK = 200
_MAX_MODELS = 1000
_MAX_NAME = 256
_MAX_TEMPLATE = 1 << 20
_ABOUT = {  # server: page below its host, keys of its version, keys of its context length, key of its chat template
    "llama.cpp": ("//props", ("build_info",), ("default_generation_settings", "n_ctx"), "chat_template"),
    "vllm": ("//version", ("version",), (), ""),
    "sglang": ("//get_server_info", ("version",), ("context_length",), ""),
    "ollama": ("//api/version", ("version",), (), ""),
}
_CONTEXT = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx")


@dataclass(frozen=True, slots=True)
class Pages:
    """What was read; None where the server does not say."""

    server: str | None = None
    version: str | None = None
    models: tuple[str, ...] = ()
    context_tokens: int | None = None
    template_digest: str | None = None


async def read_pages(connection: OpenAIEngine) -> Pages:
    """Read what the server says of itself: its list of models is there already, one page more is asked for."""
    rows = connection.models.get("data") if isinstance(connection.models, dict) else None
    rows = [row for row in rows[:_MAX_MODELS] if isinstance(row, dict)] if isinstance(rows, list) else []
    names = tuple(clean(row.get("id"))[:_MAX_NAME] for row in rows if isinstance(row.get("id"), str))
    entry = next((row for row in rows if row.get("id") == connection.model), rows[0] if len(rows) == 1 else {})
    kind = connection.dialect.name if connection.dialect.name != "other" else None
    said: Any = None
    if kind in _ABOUT:
        reply = await connection.fetch(_ABOUT[kind][0])
        said = read_json(reply.body) if reply.status == _OK else None
    _, version, context, template = _ABOUT.get(kind or "", ("", (), (), ""))
    text = said.get(template) if isinstance(said, dict) and template else None
    return Pages(
        server=kind or _server(connection.server),
        version=_text(_at(said, version)) or None,
        models=names,
        context_tokens=_context(entry) or _context({"n_ctx": _at(said, context)}),
        template_digest=_digest(text),
    )


def _context(entry: dict[str, Any]) -> int | None:
    """Return the context length that a model's entry names."""
    meta = entry.get("meta")
    holders = (entry, meta if isinstance(meta, dict) else {})
    return next((found for one in holders for key in _CONTEXT if (found := count(one, key))), None)


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what stands at a path of keys."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if keys else None


def _text(value: Any) -> str:
    """Return a short name."""
    return clean(value)[:_MAX_NAME]


def _server(header: str | None) -> str | None:
    """Return the `Server` header, where it names more than the library that speaks HTTP."""
    return clean(header)[:_MAX_NAME] if header and header.lower().split("/")[0] not in {"uvicorn", "nginx"} else None


def _digest(template: Any) -> str | None:
    """Return the digest of a chat template's text."""
    if not isinstance(template, str) or not 0 < len(template) <= _MAX_TEMPLATE:
        return None
    return f"sha256:{sha256(template.encode('utf-8', 'replace')).hexdigest()}"
