"""Ask a server what it runs: its list of models, and the pages of llama.cpp, Ollama, TGI and SGLang beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.engine.wire.bounds import clean, clip, count, read_json
from weighbridge.inventory.endpoint.probes import probe_texts

if TYPE_CHECKING:
    from weighbridge.engine.http import Reply

__all__ = ["Connection", "Served", "read_served"]

_OK = 200
_MOST_MODELS, _MOST_SHOWN, _MOST_PROBED = 1000, 32, 4
_MAX_NAME, _MAX_TEMPLATE, _MAX_TOKENS = 300, 1 << 20, 4096


class Connection(Protocol):
    """An entered engine that speaks the OpenAI API: `models` is its list as it came."""

    models: Any
    server: str | None

    async def fetch(self, path: str) -> Reply:
        """Get a page; one that begins with `//` lies below the host."""
        ...

    async def post(self, path: str, body: dict[str, Any]) -> Reply:
        """Send a body to a page."""
        ...


@dataclass(slots=True)
class Served:
    """One name that a server answers to, and what it says of the model behind it; what it does not say is empty.

    `loaded` are names of what was loaded (a path, a repository), `tokens` the ids of the probe texts where the server
    tokenizes, one tuple a text.
    """

    name: str
    owner: str = ""
    loaded: list[str] = field(default_factory=list)
    parent: str = ""
    architecture: str = ""
    template: str = ""
    licence: str = ""
    digest: str = ""
    context: int | None = None
    vocabulary: int | None = None
    tokens: tuple[tuple[int, ...], ...] = ()
    said: list[str] = field(default_factory=list)


async def read_served(connection: Connection) -> tuple[list[Served], int]:
    """Return what the server runs, at most 1,000 names, and how many names it gave."""
    rows = _rows(connection.models, "data")
    served = [_listed(row) for row in rows[:_MOST_MODELS] if _name(row.get("id"))]
    props = await _page(connection, "//props")
    tags = await _page(connection, "//api/tags") if not props else {}
    ollama = {_name(row.get("name") or row.get("model")): row for row in _rows(tags, "models")}
    for name, row in list(ollama.items())[:_MOST_MODELS]:
        if name and all(one.name != name for one in served):
            served.append(Served(name))
        _add_tag(next((one for one in served if one.name == name), Served("")), row)
    if props:
        _add_props(served, props)
    elif ollama:
        for one in served[:_MOST_SHOWN]:
            _add_show(one, read_json((await connection.post("//api/show", {"model": one.name})).body))
    else:
        for path, keys in (("//info", ("model_id",)), ("//get_model_info", ("model_path", "tokenizer_path"))):
            _add_paths(served, await _page(connection, path), path, keys)
    for one in served[:_MOST_PROBED]:
        one.tokens = await _tokenized(connection, one.name)
    return served, max(len(rows), len(served))


def _listed(row: dict[str, Any]) -> Served:
    """Read one entry of `/v1/models`: vLLM adds `root`, `parent`, `max_model_len`, llama.cpp `meta`."""
    meta = row.get("meta") if isinstance(row.get("meta"), dict) else {}
    one = Served(_name(row.get("id")), _name(row.get("owned_by")), parent=_name(row.get("parent")))
    if (root := _name(row.get("root"))) and root != one.name:
        one.loaded.append(root)
        one.said.append(f"/v1/models: loaded from {root}")
    one.context = count(row, "max_model_len") or count(meta, "n_ctx_train")
    one.vocabulary = count(meta, "n_vocab")
    return one


def _add_props(served: list[Served], props: dict[str, Any]) -> None:
    """Add what llama.cpp says of the one model that it has loaded."""
    target = served if len(served) == 1 else []
    for one in target:
        if path := _name(props.get("model_path")):
            one.loaded.append(path)
            one.said.append(f"/props: loaded from {path}")
        template = props.get("chat_template")
        if isinstance(template, str) and len(template) <= _MAX_TEMPLATE:
            one.template = clean(template)


def _add_tag(one: Served, row: dict[str, Any]) -> None:
    """Add what Ollama lists of a model: `digest` is of its manifest, and so no name of the weights."""
    details: Any = row.get("details") if isinstance(row.get("details"), dict) else {}
    one.architecture = one.architecture or _name(details.get("family"))
    if parent := _name(details.get("parent_model")):
        one.parent = parent


def _add_show(one: Served, value: Any) -> None:
    """Add what Ollama shows of a model: metadata of its GGUF file, and its licence."""
    info = value.get("model_info") if isinstance(value, dict) else None
    if not isinstance(info, dict):
        return
    one.architecture = _name(info.get("general.architecture")) or one.architecture
    for key in ("general.base_model.0.repo_url", "general.basename", "general.name"):
        if name := _name(info.get(key)):
            one.loaded.append(name)
            one.said.append(f"/api/show: `{key}` is {name}")
            break
    tag = info.get("general.license")
    one.licence = _name(tag).lower() if isinstance(tag, str) else ""
    one.vocabulary = one.vocabulary or count(info, f"{one.architecture}.vocab_size")


def _add_paths(served: list[Served], page: dict[str, Any], path: str, keys: tuple[str, ...]) -> None:
    """Add where TGI and SGLang say that the one model was loaded from."""
    for key in keys if len(served) == 1 else ():
        if (name := _name(page.get(key))) and name != served[0].name:
            served[0].loaded.append(name)
            served[0].said.append(f"{path[1:]}: `{key}` is {name}")


async def _tokenized(connection: Connection, model: str) -> tuple[tuple[int, ...], ...]:
    """Return the ids of the probe texts; () where the server does not tokenize."""
    found = []
    for text in probe_texts():
        body = {"model": model, "prompt": text, "content": text, "inputs": text, "add_special_tokens": False}
        reply = await connection.post("//tokenize", body)
        ids = _ids(read_json(reply.body)) if reply.status == _OK else None
        if not ids:
            return ()
        found.append(ids)
    return tuple(found)


def _ids(value: Any) -> tuple[int, ...] | None:
    """Return token ids as llama.cpp and vLLM (`tokens`) or TGI (a list of objects) give them."""
    rows = value.get("tokens") if isinstance(value, dict) else value
    if not isinstance(rows, list) or len(rows) > _MAX_TOKENS:
        return None
    ids = [row.get("id") if isinstance(row, dict) else row for row in rows]
    whole = tuple(one for one in ids if type(one) is int)
    return whole if len(whole) == len(ids) else None


async def _page(connection: Connection, path: str) -> dict[str, Any]:
    """Return a page that is a JSON object, {} for anything else."""
    reply = await connection.fetch(path)
    value = read_json(reply.body) if reply.status == _OK else None
    return value if isinstance(value, dict) else {}


def _rows(value: Any, key: str) -> list[dict[str, Any]]:
    rows = value.get(key) if isinstance(value, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _name(value: Any) -> str:
    return clip(value)[:_MAX_NAME] if isinstance(value, str) else ""
