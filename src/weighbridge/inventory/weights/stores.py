"""What the path of a folder says of the models in it: stores that lay them out by maker and name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.inventory.found import Found
from weighbridge.inventory.trees.tree import Unreadable, below
from weighbridge.inventory.weights.folder import Origin
from weighbridge.inventory.weights.names import is_companion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.inventory.trees.tree import Tree
    from weighbridge.knowledge.protocol import Known

__all__ = ["clone_origin", "file_origins", "folder_origin", "served_classes"]

_NAME = r"[A-Za-z0-9][\w.-]{0,95}"
# stores whose last two folders are maker and repository on Hugging Face
_LM_STUDIO = re.compile(rf"(?:^|/)\.?(?:lmstudio|lm-studio)/(?:hub/)?models/({_NAME})/({_NAME})$")
_MODELSCOPE = re.compile(rf"(?:^|/)modelscope/(?:hub/)?(?:models/)?({_NAME})/({_NAME})$")
_SNAPSHOT = re.compile(rf"/models--({_NAME}?)--({_NAME})/snapshots/([0-9a-f]{{40}})$")
_OWN = re.compile(rf"/weighbridge/hub/(hf|ms)/[^/]+/({_NAME})/({_NAME})@([0-9a-f]{{8,64}})/files$")
_MODELSCOPE_HALF = re.compile(rf"/\._____temp/({_NAME})/({_NAME})$")
_LLAMA_CPP = re.compile(r"(?:^|/)llama\.cpp$")
_REPOSITORY = re.compile(
    r"([A-Za-z0-9][\w.-]{0,95}?(?:gguf|GGUF)|[A-Za-z0-9][A-Za-z0-9.-]{0,95})_([\w.-]{1,120}\.gguf)"
)
_TWO = re.compile(rf"(?:^|/)({_NAME})/({_NAME})$")
_PAIRED = re.compile(rf"(?:^|/)(?!models--)({_NAME}?)(?:__|--)({_NAME})$")  # `models--` is a cache's word
_JOINED = re.compile(rf"(?:^|/)({_NAME}?)(?:_|__|--)({_NAME})$")


def folder_origin(path: str, known: Known) -> Origin:
    """Return what a folder's whole path says: a store's own layout for certain, a maker's name above it less so."""
    return _in_store(path) or _named_by_maker(path, known) or Origin()


def _in_store(path: str) -> Origin | None:
    """Return what the layout of a store says."""
    if found := _SNAPSHOT.search(path):
        model = f"{found[1]}/{found[2]}"
        return Origin("cache", model, f"hf:{model}@{found[3]}", "a snapshot of a cache")
    if found := _OWN.search(path):
        model = f"{found[2]}/{found[3]}"
        note = "looked at by Weighbridge from afar: stand-ins, no weights"
        return Origin("cache", model, f"{found[1]}:{model}@{found[4]}", note, Confidence.LOW)
    if found := _MODELSCOPE_HALF.search(path):
        model = f"{found[1]}/{_dots(found[2])}"
        return Origin("cache", model, f"ms:{model}", "a half download of ModelScope", Confidence.LOW)
    if found := _LM_STUDIO.search(path):
        model = f"{found[1]}/{found[2]}"
        return Origin("cache", model, f"hf:{model}", "named by LM Studio's folders")
    if (found := _MODELSCOPE.search(path)) and found[1] not in {"hub", "models", "datasets"}:
        model = f"{found[1]}/{_dots(found[2])}"
        return Origin("cache", model, f"ms:{model}", "named by ModelScope's folders")
    return None


def _named_by_maker(path: str, known: Known) -> Origin | None:
    """Return what `maker/name`, `maker_name` or `maker__name` at the end of a path says."""
    for pattern in (_TWO, _JOINED):
        if (found := pattern.search(path)) and _is_maker(found[1], found[2], known):
            model = f"{found[1]}/{found[2]}"
            return Origin("weights", model, f"hf:{model}", "named by its folder")
    if (found := _PAIRED.search(path)) and known.family_of(found[2]) is not None:
        model = f"{found[1]}/{found[2]}"
        return Origin("weights", model, f"hf:{model}", "named by its folder", Confidence.MEDIUM)
    return None


def file_origins(folder: str, names: Sequence[str], known: Known) -> dict[str, Origin]:
    """Return what llama.cpp's cache says in the names of its files, `MAKER_REPOSITORY_FILE.gguf`; {} elsewhere.

    A repository's name may hold `_` too: it ends where the name says GGUF, or else at the first `_`.
    """
    if not _LLAMA_CPP.search(folder):
        return {}
    found: dict[str, Origin] = {}
    for name in names:
        maker, _, rest = name.partition("_")
        split = _REPOSITORY.match(rest)
        if split is None or is_companion(split[2]):
            continue
        model = f"{maker}/{split[1]}"
        sure = Confidence.HIGH if known.organisation(maker) else Confidence.MEDIUM
        found[name] = Origin("cache", model, f"hf:{model}", f"llama.cpp's cache of {split[2]}", sure)
    return found


def _dots(name: str) -> str:
    """Undo what ModelScope's clients before 1.38 made of dots (`_download.py`, `_find_legacy_repo_dir`)."""
    return name.replace("___", ".")


def _is_maker(maker: str, name: str, known: Known) -> bool:
    return known.organisation(maker) is not None and known.family_of(name) is not None


_REMOTE = re.compile(
    r"url\s*=\s*(?:https?://|ssh://|git@)(?:[^\s/@]{0,200}@)?(huggingface\.co|hf\.co|(?:www\.)?modelscope\.(?:cn|ai))[/:]"
    rf"(?:models/)?({_NAME}/{_NAME})"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SMALL = 64 << 10
_CLASS = re.compile(r"vllm-model_executor-models-([\w.]+)-(\w+)\.json")


def clone_origin(tree: Tree, folder: str, names: frozenset[str]) -> Origin | None:
    """Return what git says of a clone from a hub: its remote and the commit that is checked out; None for others."""
    if ".git" not in names:
        return None
    git = below(folder, ".git")
    found = _REMOTE.search(_small(tree, below(git, "config")))
    if found is None:
        return None
    head = _small(tree, below(git, "HEAD")).strip()
    if head.startswith("ref: refs/"):
        head = _small(tree, below(git, head[5:])).strip() if ".." not in head else ""
    model = found[2].removesuffix(".git")
    hub = "ms" if "modelscope" in found[1] else "hf"
    pin = f"@{head}" if _COMMIT.fullmatch(head) else ""
    return Origin("weights", model, f"{hub}:{model}{pin}", "a git clone")


def _small(tree: Tree, path: str) -> str:
    try:
        return tree.head(path, _SMALL).decode("utf-8", "replace")
    except Unreadable:
        return ""


def served_classes(tree: Tree, folder: str, names: frozenset[str]) -> Iterator[Found]:
    """Yield the classes of models that vLLM keeps notes of (`~/.cache/vllm/modelinfos`): it has run one of each."""
    for name in sorted(names):
        if found := _CLASS.fullmatch(name):
            yield Found(
                "cache",
                tree.place(below(folder, name)),
                found[2],
                Confidence.LOW,
                architecture=found[2],
                detail="vLLM has loaded a model of this class here; which one, it does not say",
            )
