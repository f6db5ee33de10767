"""The strings of a line that have the shape of a model's name, before anything says that they are one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Candidate", "find_candidates"]

Shape = Literal["hub", "id", "served", "bare", "word", "file", "path"]

_PART = r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?"
_ID = rf"{_PART}/{_PART}"
_NOT_MAKERS = (
    r"(?!(?:datasets?|spaces|docs|blog|papers|collections|learn|course|chat|tasks|organizations|settings|login|join|"
    r"pricing|new|api|posts|models|enterprise|support|terms|cli|production|avatars|front|buckets|kernels)/)"
)
_PAGE = re.compile(
    rf"(?<![\w.-])(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/(?:api/models/)?{_NOT_MAKERS}({_ID})"
    r"(?:/(?:resolve|blob|tree|raw|commit)/([\w.-]{1,100}))?(?:\.git\b)?(?::([\w.-]{1,60}))?"
)
_MODELSCOPE_PAGE = re.compile(
    rf"(?<![\w.-])(?:www\.)?modelscope\.(?:cn|ai)/(?:api/v1/)?(?:models/)?(?!datasets/|studios/|docs/)({_ID})"
)
_SCHEME = re.compile(
    rf"(?<![\w.])(hf|hf-hub|hf_hub|huggingface|ms|modelscope)(://|:)(?!//)(?:models?/)?{_NOT_MAKERS}({_ID})"
    r"(?:@([\w.-]{1,100}))?(?::([\w.-]{1,100}))?(?![\w/])"
)
_CACHE_NAME = re.compile(rf"models--({_PART})--([\w.-]{{1,96}})(?:/snapshots/([0-9a-f]{{40}}))?")
_SERVED = re.compile(
    r"(?<!\w)ollama://[\w./-]{1,120}(?::[\w.-]{1,60})?"
    r"|@(?:cf|hf)/[\w.-]{1,40}/[\w.-]{1,90}"
    r"|(?:fireworks_ai/)?accounts/[\w-]{1,40}/(?:models|routers)/[\w.-]{1,90}"
    r"|publishers/[\w-]{1,40}/models/[\w.-]{1,90}(?:@[\w.-]{1,60})?"
    r"|(?:nvcr\.io/)?nim/[\w-]{1,40}/[\w.-]{1,90}(?::[\w.-]{1,40})?"
    r"|(?:bedrock/(?:[a-z_]{4,12}/)?(?:[a-z]{2,3}(?:-[a-z]+)+-\d/)?)?(?:(?:us|eu|apac|jp|au|global|us-gov)\.)?"
    r"(?:anthropic|meta|mistral|deepseek|qwen|cohere|ai21|openai|google|minimax|moonshot|moonshotai|nvidia|zai|amazon|writer|twelvelabs)"
    r"\.[a-z][a-z0-9.]*\d*(?:-[a-z0-9.]{1,20}){0,8}(?:-v\d(?::\d{1,2})?|:\d{1,2})(?![\w/])"
)
_LONG_ID = re.compile(
    r"(?:(?<![\w./\\@:%${}~+-])|(?<=[:=]-))((?:[A-Za-z0-9][\w.-]{0,95}/){1,4}[A-Za-z0-9][\w.+-]{0,95})(?:@([\w.-]{1,100})|:([\w.-]{1,60}))?"
)
_FILE = re.compile(r"([\w.+-]{2,120}\.gguf)(?![\w.-])", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w:])(?:\.{0,2}/|~/|[A-Za-z]:\\|\$\{?\w{1,40}\}?/)((?:[\w.+-]{1,95}[/\\]){0,8}[\w.+-]{1,95})")
_QUOTED = re.compile(r"[\"'`]((?:[a-z_]{2,20}:)?[A-Za-z][\w.-]{1,80}(?::[\w.-]{1,60})?(?:@[\w.-]{1,20})?)\\?[\"'`]")
_SCALAR = re.compile(r"(?:[:=>]|\s-|^-|^|\s)[ \t]*([A-Za-z][\w.-]{1,80}(?::[\w.-]{1,60})?)(?=[\s,})\];\\\"'`<]|$)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A string and where it begins in its line.

    `hub`: its page, scheme or cache name says which hub. `id`: `maker/name`, perhaps behind the name of a provider.
    `served`: a provider's own form. `bare`: one word in
    quotes. `word`: one without, which needs a key. `file`: a GGUF file. `path`: the end of a path.
    """

    start: int
    shape: Shape
    text: str
    hub: Literal["hf", "ms", ""] = ""
    revision: str = ""
    part: str = ""
    is_cut: bool = False


def find_candidates(line: str) -> Iterator[Candidate]:
    """Yield the candidates of a line, the surest shapes first; none begins inside one before it."""
    taken = bytearray(len(line))
    for found, candidate in _all(line):
        start, end = found.span()
        if 1 not in taken[start:end]:
            taken[start:end] = b"\1" * (end - start)
            yield candidate


def _all(line: str) -> Iterator[tuple[re.Match[str], Candidate]]:
    has_slash = "/" in line
    if has_slash or "--" in line:
        yield from _with_hub(line)
    if has_slash or "." in line:
        for found in _SERVED.finditer(line):
            yield found, Candidate(found.start(), "served", found[0])
    if has_slash:
        yield from _ids(line)
    for found in _FILE.finditer(line):
        yield found, Candidate(found.start(), "file", found[1])
    if has_slash or "\\" in line:
        for found in _PATH.finditer(line):
            yield found, Candidate(found.start(), "path", found[1])
    for found in _QUOTED.finditer(line):
        yield found, Candidate(found.start(1), "bare", found[1].rstrip("."))
    for found in _SCALAR.finditer(line):
        yield found, Candidate(found.start(1), "word", found[1].rstrip("."))


def _ids(line: str) -> Iterator[tuple[re.Match[str], Candidate]]:
    """Yield `maker/name`; what goes on with another `/` is a path, unless an escape follows."""
    for found in _LONG_ID.finditer(line):
        rest = line[found.end() : found.end() + 2]
        if rest[:1] in {"/", "\\"} and rest[1:] not in {'"', "'", "n"}:
            continue
        is_cut = rest[:1] in {"{", "$", "%", "<"} or found[1].endswith(("-", "."))
        text = found[1].rstrip(".-+")
        yield found, Candidate(found.start(), "id", text, "", found[2] or "", found[3] or "", is_cut)


def _with_hub(line: str) -> Iterator[tuple[re.Match[str], Candidate]]:
    for found in _PAGE.finditer(line):
        yield (
            found,
            Candidate(found.start(), "hub", found[1].removesuffix(".git"), "hf", found[2] or "", found[3] or ""),
        )
    for found in _MODELSCOPE_PAGE.finditer(line):
        yield found, Candidate(found.start(), "hub", found[1].removesuffix(".git"), "ms")
    for found in _SCHEME.finditer(line):
        hub: Literal["hf", "ms"] = "ms" if found[1] in {"ms", "modelscope"} else "hf"
        tag = found[5] or ""  # a revision in an address (KServe), a quantization in a reference
        pin, part = (found[4] or tag, "") if found[2] == "://" else (found[4] or "", tag)
        yield found, Candidate(found.start(), "hub", found[3], hub, pin, part)
    for found in _CACHE_NAME.finditer(line):
        yield found, Candidate(found.start(), "hub", f"{found[1]}/{found[2]}", "hf", found[3] or "")
