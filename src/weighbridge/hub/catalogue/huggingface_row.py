"""What one row of Hugging Face's interface says of a repository (`/api/models`, `/api/models/{id}`)."""

from __future__ import annotations

import json
import re
from typing import Any

from weighbridge.core.shadow import HubWord
from weighbridge.formats.place import quote
from weighbridge.hub.catalogue.fields import (
    commit_in,
    flag_in,
    gating_in,
    moment_in,
    names_of_models_in,
    repository_in,
    text_in,
    texts_in,
)
from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.hub.remote.listing import Facts, count_of

__all__ = ["hub_word", "read_base_models", "read_chat_template", "read_config", "read_entry", "read_scans"]

_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_MOST_TAGS, _LONGEST_TAG = 500, 300
_MOST_LANGUAGES, _LONGEST_LINK, _LONGEST_PATH = 300, 1000, 1024
_MOST_ISSUES = 1000
_ID, _VERDICT = re.compile("[0-9a-zA-Z]{1,64}"), re.compile("[a-z][a-z-]{0,31}")
_MOST_LICENCES = 8
_NOT_THE_MODELS = ("tokenizer_config", "processor_config", "chat_template_jinja")


def read_entry(row: dict[str, Any]) -> Entry | None:
    """Return what a row says, each field by itself; None where it names no repository."""
    repository = repository_in(row.get("id")) or repository_in(row.get("modelId"))
    if not repository:
        return None
    card = row.get("cardData")
    card = card if isinstance(card, dict) else {}
    tags = texts_in(row.get("tags"), _MOST_TAGS, _LONGEST_TAG)
    facts, number = Facts.read(row), row.get("_id")
    return Entry(
        hub="hf",
        repository=repository,
        id=number if isinstance(number, str) and _ID.fullmatch(number) else "",
        commit=commit_in(row.get("sha")),
        created_at=moment_in(row.get("createdAt")),
        modified_at=moment_in(row.get("lastModified")),
        licence=_licence(tags, card),
        licence_name=text_in(card.get("license_name")),
        licence_link=text_in(card.get("license_link"), _LONGEST_LINK),
        gated=gating_in(row.get("gated")),
        is_private=flag_in(row.get("private")),
        is_disabled=flag_in(row.get("disabled")),
        downloads=count_of(row.get("downloads")),
        downloads_all_time=count_of(row.get("downloadsAllTime")),
        likes=count_of(row.get("likes")),
        task=text_in(row.get("pipeline_tag")),
        library=text_in(row.get("library_name")),
        tags=tags,
        languages=texts_in(card.get("language"), _MOST_LANGUAGES),
        base_models=read_base_models(row, tags, card),
        parameters=facts.elements,
        parameters_by_dtype=facts.elements_by_dtype,
    )


def _licence(tags: tuple[str, ...], card: dict[str, Any]) -> str:
    """Return the tag that the hub made of the card, else the card's own word; several stand with commas."""
    tagged = tuple(tag.removeprefix("license:") for tag in tags if tag.startswith("license:"))
    return ", ".join(tagged[:_MOST_LICENCES] or texts_in(card.get("license"), _MOST_LICENCES))


def read_base_models(row: dict[str, Any], tags: tuple[str, ...], card: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (relation, model) pairs, sorted: of `baseModels`, else of the tags, else of the card, which names none."""
    said = row.get("baseModels")
    if isinstance(said, dict) and (named := names_of_models_in(said.get("models"))):
        relation = said.get("relation")
        return tuple(sorted((relation if relation in _RELATIONS else "", name) for name in named))
    found: dict[str, str] = {}
    for tag in tags:
        kind, _, name = tag.removeprefix("base_model:").partition(":")
        relation, name = (kind, name) if kind in _RELATIONS else ("", tag.removeprefix("base_model:"))
        if tag.startswith("base_model:") and names_of_models_in(name):
            found[name] = relation or found.get(name, "")
    for name in () if found else names_of_models_in(card.get("base_model")):
        found[name] = ""
    return tuple(sorted((relation, name) for name, relation in found.items()))


def read_scans(info: dict[str, Any], names: tuple[str, ...]) -> dict[str, str] | None:
    """Return the hub's verdict on each of these files; None where the answer says nothing of scans.

    The hub names the files with issues, and whether it is through with all others.
    """
    status = info.get("securityRepoStatus")
    if not isinstance(status, dict):
        return None
    done, issues = status.get("scansDone"), _issues(status.get("filesWithIssues"))
    is_whole = isinstance(done, bool) and all(name for name, _ in issues)  # else nobody knows whose issue that is
    verdicts = dict.fromkeys(names, "safe" if done else "queued") if is_whole else {}
    verdicts |= {name: level for name, level in issues if name in names}
    return verdicts


def hub_word(info: dict[str, Any], is_publisher_verified: bool | None) -> HubWord:
    """Return what the hub says of a revision, beside what an inspection reads of it."""
    entry, status = read_entry(info), info.get("securityRepoStatus")
    status = status if isinstance(status, dict) else {}
    issues = _issues(status.get("filesWithIssues"))
    created = entry.created_at if entry else None
    return HubWord(
        repository=entry.repository if entry else "",
        licence=entry.licence if entry else "",
        created_at=created.strftime("%Y-%m-%dT%H:%M:%SZ") if created else "",
        base_models=entry.base_models if entry else (),
        is_scanned=flag_in(status.get("scansDone")),
        issues=tuple(sorted((quote(name, _LONGEST_PATH)[1:-1] or "(no name)", verdict) for name, verdict in issues)),
        is_publisher_verified=is_publisher_verified,
    )


def _issues(value: Any) -> set[tuple[str, str]]:
    """Return (file, verdict) of what the scanners do not call safe; an issue that cannot be read is one still."""
    found: set[tuple[str, str]] = set()
    for issue in value[:_MOST_ISSUES] if isinstance(value, list) else ():
        path, level = (issue.get("path"), issue.get("level")) if isinstance(issue, dict) else (None, None)
        verdict = level if isinstance(level, str) and _VERDICT.fullmatch(level) else "unreadable"
        if verdict != "safe":
            found.add((path if isinstance(path, str) else "", verdict))
    return found


def read_config(info: dict[str, Any]) -> dict[str, object] | None:
    """Return what the hub read in the model's configuration, without what it read of the tokenizer's."""
    config = info.get("config")
    if not isinstance(config, dict):
        return None
    return {name: value for name, value in config.items() if name not in _NOT_THE_MODELS}


def read_chat_template(info: dict[str, Any]) -> str | None:
    """Return the chat template that the hub read; of several, JSON of all by name.

    As transformers does, a file of its own comes before the tokenizer's configuration; GGUF files hold their own.
    """
    config, gguf = (value if isinstance(value := info.get(name), dict) else {} for name in ("config", "gguf"))
    tokenizer, processor = (
        value if isinstance(value := config.get(name), dict) else {}
        for name in ("tokenizer_config", "processor_config")
    )
    for said in (
        config.get("chat_template_jinja"),
        processor.get("chat_template"),
        tokenizer.get("chat_template"),
        gguf.get("chat_template"),
    ):
        if isinstance(said, str):
            return said
        if isinstance(said, list) and said:
            return json.dumps(said, ensure_ascii=False, sort_keys=True)
    return None
