"""Read chat templates: where a model's files keep them, and their parse by Jinja's own parser. None is rendered here.

Places: `chat_template` of `tokenizer_config.json`, `processor_config.json` and `chat_template.json` (a text, a list of
`{name, template}`, or an object), `*.jinja` files, and the metadata keys `tokenizer.chat_template*` of GGUF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols

from weighbridge.errors import DamagedFile
from weighbridge.formats.gguf import Omitted
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2.parser import Parser

__all__ = ["MAX_CHARACTERS", "ChatTemplate", "Generation", "of_config", "of_metadata", "parse_template"]

MAX_CHARACTERS = 256 << 10  # the longest of 150 published templates has 25,000
_GGUF_KEY = "tokenizer.chat_template"
_DEFAULT = "default"
_MOST = 64  # templates of one file


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """One template: the file that holds it, its name there (`default` where it has none), and its source."""

    place: str
    name: str
    text: str

    @property
    def title(self) -> str:
        """The name, made fit to print; "" for the default template."""
        return "" if self.name == _DEFAULT else quote(self.name)


class Generation(Extension):
    """The tag `{% generation %}` of transformers, which marks what the model itself wrote; it renders its body."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return the statements between the tag and its end."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def of_config(place: str, config: Mapping[str, Any]) -> Iterator[ChatTemplate]:
    """Yield the templates of a parsed JSON file; raises DamagedFile for a `chat_template` of no known form."""
    value = config.get("chat_template")
    if value is None:
        return
    if isinstance(value, str):
        yield ChatTemplate(place, _DEFAULT, value)
    elif isinstance(value, list | dict):
        yield from _named(place, value)
    else:
        raise DamagedFile(f"has a `chat_template` that is {type(value).__name__}, neither text nor a list of templates")


def _named(place: str, value: list[Any] | dict[str, Any]) -> Iterator[ChatTemplate]:
    rows = [(key, text) for key, text in value.items()] if isinstance(value, dict) else [_row(row) for row in value]
    if len(rows) > _MOST:
        raise DamagedFile(f"has {len(rows)} chat templates; at most {_MOST} are read")
    for name, text in rows:
        if not isinstance(name, str) or not isinstance(text, str):
            raise DamagedFile("has a `chat_template` whose entries are not a name and a text")
        yield ChatTemplate(place, name, text)


def _row(row: Any) -> tuple[Any, Any]:
    return (row.get("name"), row.get("template")) if isinstance(row, dict) else (None, None)


def of_metadata(place: str, metadata: Mapping[str, Any]) -> Iterator[ChatTemplate]:
    """Yield the templates of a GGUF file's metadata; raises DamagedFile for one too long to be kept, or of no text."""
    for key, value in metadata.items():
        if key != _GGUF_KEY and not key.startswith(f"{_GGUF_KEY}."):
            continue
        if isinstance(value, Omitted):
            raise DamagedFile(f"has {value.length} bytes in {quote(key)}; so long a chat template is not read")
        if not isinstance(value, str):
            raise DamagedFile(f"has no text in {quote(key)}")
        yield ChatTemplate(place, key.removeprefix(_GGUF_KEY).removeprefix(".") or _DEFAULT, value)


def parse_template(text: str) -> nodes.Template:
    """Return the syntax tree of a template as transformers would parse it; nothing of it is evaluated.

    Raises DamagedFile for what is too long or is no Jinja template.
    """
    if len(text) > MAX_CHARACTERS:
        raise DamagedFile(f"is {len(text)} characters long; at most {MAX_CHARACTERS} are read")
    environment = Environment(  # noqa: S701 - it only parses
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    try:
        return environment.parse(text)
    except TemplateError as error:
        line = f" at line {number}" if (number := getattr(error, "lineno", None)) else ""
        raise DamagedFile(f"is no Jinja template{line}: {quote(str(error))}") from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise DamagedFile(f"cannot be parsed: {type(error).__name__}") from error
