"""Find the marks in YAML and JSON that make a reader import or call something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

from weighbridge.errors import DamagedFile
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.code.names import action_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["in_json", "in_yaml"]

Said = tuple[str, str]  # weight (runs, asks, odd, note) and message

_MAX_BYTES = 4 << 20
_MOST_EVENTS = 200_000
_MOST_ALIASES = 50
_PLAIN_TAGS = frozenset({
    "str", "int", "float", "bool", "null", "map", "seq", "set", "omap", "pairs", "binary", "timestamp", "merge",
    "value",
})  # fmt: skip
_STANDARD = "tag:yaml.org,2002:"
_PYTHON_TAG = re.compile(r"python/|^!?!?(?:py|python)[/:]|ruby/|java|!<?!?python", re.IGNORECASE)
_RAW_TAG = re.compile(rb"!!?(?:python|ruby)/[\w./:]+|tag:yaml\.org,2002:python/[\w./:]+")
_RESOLVER = re.compile(r"\$\{(?:eval|python|exec|import|oc\.decode|call|instantiate|get_method)[:(]", re.IGNORECASE)
_TARGETS = frozenset({"_target_", "target", "class_path", "_class_"})
_LIBRARIES = frozenset({
    "torch", "torchvision", "torchaudio", "transformers", "diffusers", "nemo", "lightning", "pytorch_lightning", "ldm",
    "lightning_fabric",
    "omegaconf", "megatron", "timm", "datasets", "sgm", "open_clip", "torchmetrics",
    "torchtune", "peft", "trl", "accelerate", "deepspeed", "xformers", "cosmos_predict", "hydra", "keras",
    "tensorflow", "sentence_transformers", "fairseq", "fairseq2", "whisper", "speechbrain", "espnet", "espnet2",
})  # fmt: skip
_CALLS = frozenset({
    "os", "sys", "subprocess",
    "builtins", "importlib", "shutil", "socket", "pty", "runpy", "ctypes", "pickle", "marshal",
    "posix", "nt", "operator", "functools", "types", "code", "webbrowser", "urllib", "requests", "pip", "tempfile",
    "eval",
    "exec", "compile", "getattr", "__import__", "pathlib", "multiprocessing", "threading", "asyncio", "logging",
    "pydoc",
    "timeit", "cProfile", "pdb", "bdb", "doctest", "http", "ftplib", "smtplib", "site", "setuptools", "distutils",
})  # fmt: skip
_PICKLES = frozenset({"py/object", "py/reduce", "py/function", "py/type", "py/repr", "py/newargs", "py/object/new"})
_KERAS = frozenset({"keras", "tensorflow", "tf_keras", "builtins", "keras_nlp", "keras_hub", "keras_cv"})
_KERAS_CALLS = frozenset({"Lambda", "TFOpLambda", "__lambda__", "function"})


def in_yaml(data: bytes) -> list[Said]:
    """Return the marks in a YAML text, from the events of a parser that makes nothing; raises DamagedFile."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedFile(f" is not UTF-8 at byte {error.start}") from error
    raw = sorted({hit[0].decode() for hit in _RAW_TAG.finditer(data)})
    found: list[Said] = []
    try:
        found += _events(text)
    except DamagedFile:
        if not raw:
            raise
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        if not raw and "{{" not in text and "{%" not in text:  # a template of YAML is no YAML yet
            raise DamagedFile(f" is no YAML that can be read: {type(error).__name__}") from error
    if not any(weight == "runs" for weight, _ in found):  # where the parser gave up, or in what it took for text
        outside = [tag for tag in raw if not _is_commented(text, tag)]
        found += [("runs", f"holds the tag {quote(tag)}, with which a reader makes any object") for tag in outside]
    return found


def _is_commented(text: str, tag: str) -> bool:
    """Whether a tag stands in comments only."""
    return all("#" in line.partition(tag)[0] for line in text.split("\n") if tag in line)


def _events(text: str) -> Iterator[Said]:
    aliases, key = 0, ""
    for number, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
        if number > _MOST_EVENTS:
            raise DamagedFile(f" holds more than {_MOST_EVENTS} YAML nodes")
        if isinstance(event, AliasEvent):
            aliases += 1
            if aliases == _MOST_ALIASES:
                yield "odd", f"uses more than {_MOST_ALIASES} aliases, which may unfold without end"
            continue
        if not isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            continue
        if tag := _tag(event):
            yield from _of_tag(tag)
        if isinstance(event, ScalarEvent):
            # a key is followed by its value; what is neither can only be over-read as a target that no one made
            if key in _TARGETS:
                yield from _of_target(key, event.value)
            if _RESOLVER.search(event.value):
                yield "asks", f"evaluates a text with the resolver {quote(event.value)}"
            key = event.value if key not in _TARGETS else ""
        else:
            key = ""


def _tag(event: Any) -> str:
    tag = getattr(event, "tag", None) or getattr(event, "ctag", None)
    return str(tag) if tag is not None else ""


def _of_tag(tag: str) -> Iterator[Said]:
    if tag in {"!", "None"} or tag.removeprefix(_STANDARD) in _PLAIN_TAGS:
        return
    if _PYTHON_TAG.search(tag):
        yield "runs", f"holds the tag {quote(tag)}, with which a reader makes any object"
    else:
        yield "note", f"holds the tag {quote(tag)}, which only a reader of its own understands"


def _of_target(key: str, value: str) -> Iterator[Said]:
    """Judge what a settings file wants to be called."""
    root = value.partition(".")[0]
    plainly = key != "target" and root in _CALLS
    if plainly or action_of(value) or action_of(value.removeprefix("builtins.")):
        yield "runs", f"names {quote(value)} as `{key}`: whoever builds objects from these settings calls it"
    elif key == "target" and not re.fullmatch(r"\w+(?:\.\w+)+\.[A-Z]\w*", value):
        return  # a plain word: most settings have a target of some kind
    elif root in _LIBRARIES:
        yield "note", f"names {quote(value)} as `{key}`, a class of a library"
    elif "." in value:
        yield "asks", f"names {quote(value)} as `{key}`, which is imported from a module that no known library has"


def in_json(data: bytes, name: str) -> list[Said]:
    """Return the marks in a JSON text; raises DamagedFile for what is not plain JSON."""
    if not any(mark in data for mark in (b"_target_", b"class_path", b"py/", b"class_name", b"${", b"_class_", b"\\u")):
        return []
    value = parse_json(data, name, max_bytes=_MAX_BYTES, constants_as_text=True)
    found: list[Said] = []
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, dict):
            found += _of_object(inner)
            stack.extend(inner.values())
        elif isinstance(inner, list):
            stack.extend(inner)
        elif isinstance(inner, str) and _RESOLVER.search(inner):
            found.append(("asks", f"evaluates a text with the resolver {quote(inner)}"))
    return found


def _of_object(value: dict[str, Any]) -> Iterator[Said]:
    for key in _TARGETS - {"target"}:
        if isinstance(named := value.get(key), str):
            yield from _of_target(key, named)
    for key in sorted(_PICKLES & value.keys()):
        yield "runs", f"holds {quote(key)} ({quote(str(value[key]))}), with which jsonpickle makes any object"
    if isinstance(named := value.get("class_name"), str) and isinstance(value.get("config"), dict | str):
        yield from _of_keras(named, value)


def _of_keras(named: str, value: dict[str, Any]) -> Iterator[Said]:
    """Judge one object of a Keras configuration: its class, and the module that it would be imported from."""
    module = value.get("module")
    config = value["config"]
    if named in _KERAS_CALLS and (named != "function" or isinstance(config, str)):
        code = config.get("function") if isinstance(config, dict) else config
        if named == "function":
            weight = "runs" if isinstance(module, str) and module.partition(".")[0] in _CALLS else "note"
            yield weight, f"names the function {quote(str(config))} of {quote(str(module))}"
        else:
            yield "runs", f"holds a Keras {quote(named)} layer with code of its own: {quote(str(code), 60)}"
    elif isinstance(module, str) and module.partition(".")[0] not in _KERAS:
        weight = "runs" if module.partition(".")[0] in _CALLS else "asks"
        yield weight, f"takes the class {quote(named)} from the module {quote(module)}, which is not Keras's"
