"""References: what a person types to name a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from weighbridge.errors import BadReference

__all__ = ["Reference"]

Kind = Literal["demo", "file", "config", "folder", "endpoint", "hf", "ms"]

_HUB_NAME = re.compile(r"(hf|ms):([\w.-]+/[\w.-]+)(?:@([\w./-]+))?(?::([\w./-]+))?")
_SCHEMES = ("http://", "https://")
_FORMS = "use `demo`, `model.gguf`, `config.json`, `./folder`, `hf:maker/model` or `http://host:port/v1#model`"


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference.

    `kind` names the hub that resolves it, `target` the path, repository or base URL,
    `detail` the model name at an endpoint or the revision in a hub repository, and `part` which of several GGUF
    models in a hub repository is meant: `hf:maker/model@revision:Q4_K_M`, or a file's name.
    """

    text: str
    kind: Kind
    target: str
    detail: str | None = None
    part: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read what a person typed; raises BadReference with the forms that are understood."""
        text = text.strip()
        if text == "demo":
            return cls(text, "demo", "smollm2-135m")
        if text.startswith(_SCHEMES):
            return _endpoint(text)
        if text.startswith("anthropic:"):
            return _endpoint(f"https://api.anthropic.com/v1#{text.removeprefix('anthropic:')}")
        if found := _HUB_NAME.fullmatch(text):
            return cls(text, "hf" if found[1] == "hf" else "ms", found[2], found[3], found[4])
        if text.startswith(("hf:", "ms:")):
            raise BadReference(
                f"`{text}` is not a hub reference",
                hint="write `hf:maker/model`, `hf:maker/model@revision` or `hf:maker/model:Q4_K_M`",
            )
        if not text or "\0" in text:
            raise BadReference("the reference is empty or holds a NUL character", hint=_FORMS)
        return cls(text, _kind_of_path(text.lower()), text)


def _kind_of_path(path: str) -> Kind:
    """Tell a GGUF file, a bare config and a folder apart by how the path ends."""
    if path.endswith(".gguf"):
        return "file"
    return "config" if path.endswith(".json") else "folder"


def _endpoint(text: str) -> Reference:
    """Split `http://host:port/v1#model` into base URL and model name."""
    base, _, model = text.partition("#")
    if not model:
        raise BadReference(
            f"`{text}` does not say which model to ask", hint=f"add its name: `{base.rstrip('/')}#model`"
        )
    if "@" in base.split("//", 1)[1].split("/", 1)[0]:
        raise BadReference(
            "an endpoint reference must not carry a user name or password",
            hint="put the key into `WEIGHBRIDGE_API_KEY`",
        )
    return Reference(text, "endpoint", base.rstrip("/"), model)
