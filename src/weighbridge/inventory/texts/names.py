"""Tell by its name whether a file is a text that is searched, and what kind."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

__all__ = ["Kind", "is_left_out", "is_minified", "kind_of_text"]

Kind = Literal["", "code", "configuration", "document", "model"]  # `model`: beside the config of a model

_CODE = (
    "py pyi pyx ipynb js mjs cjs jsx ts mts cts tsx vue svelte go rs java kt kts scala groovy rb php pl lua cs fs vb "
    "swift dart r jl c cc cpp cxx h hpp m mm ex exs erl clj hs ml elm zig nim sh bash zsh fish ksh ps1 psm1 bat cmd "
    "sql sbatch slurm pbs qmd rmd"
)
_CONFIGURATION = (
    "yaml yml json jsonc json5 toml ini cfg conf config env properties props xml tf tfvars hcl nomad tpl tmpl gotmpl "
    "j2 jinja jinja2 mustache service timer desktop plist jsonnet libsonnet cue dhall bicep pkl nix star bzl bazel "
    "gradle kdl ron dockerfile containerfile modelfile envrc values list lst sample example dist template in csv tsv "
    "mlmodelcard prompt prompty graphql pbtxt spdx rdf lock"
)
_DOCUMENT = "md mdx markdown rst adoc txt org tex html htm"
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(_CODE.split(), "code"),
    **dict.fromkeys(_CONFIGURATION.split(), "configuration"),
    **dict.fromkeys(_DOCUMENT.split(), "document"),
}
_NAMES: dict[str, Kind] = {
    **dict.fromkeys(
        ("dockerfile", "containerfile", "modelfile", "procfile", "caddyfile", "vagrantfile"), "configuration"
    ),
    **dict.fromkeys(("makefile", "gnumakefile", "justfile", "rakefile", "jenkinsfile", "tiltfile", "taskfile"), "code"),
    **dict.fromkeys(("readme", "notice", "changelog"), "document"),
}
_STEMS = ("dockerfile.", "containerfile.", "modelfile.", "makefile.", ".env", "docker-compose", "compose.", "env.")
# data of tokenizers and lists of packages: megabytes of words that name no model
_NEVER = frozenset(
    [
        "tokenizer.json",
        "vocab.json",
        "merges.txt",
        "vocab.txt",
        "added_tokens.json",
        "special_tokens_map.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
        "cargo.lock",
        "composer.lock",
        "go.sum",
        "gemfile.lock",
        "pipfile.lock",
        "pdm.lock",
        "pixi.lock",
        "bun.lock",
        "deno.lock",
        "flake.lock",
        "mix.lock",
        "pubspec.lock",
        "podfile.lock",
        "record",
        "generation_config.json",
        "preprocessor_config.json",
        "model.safetensors.index.json",
        "pytorch_model.bin.index.json",
        "tokenizer_config.json",
    ]
)
_NEVER_ENDS = (".min.css", ".safetensors.index.json", ".bin.index.json", ".pb.go", ".svg")
_MINIFIED = (".min.js", ".min.mjs", ".map")  # code, which may ask a model: not read, but said


def is_left_out(name: str) -> bool:
    """Whether a file is a text that names no model: a list of packages, a vocabulary, a style sheet, a drawing."""
    lower = name.lower()
    return lower in _NEVER or lower.endswith(_NEVER_ENDS)


def is_minified(name: str) -> bool:
    """Whether a file is minified code or the map of it."""
    return name.lower().endswith(_MINIFIED)


@lru_cache(maxsize=65536)
def kind_of_text(name: str) -> Kind:
    """Return what kind of text a file is by its name, "" where it is not searched."""
    lower = name.lower()
    if is_left_out(lower) or is_minified(lower):
        return ""
    if named := _NAMES.get(lower):
        return named
    if lower.startswith(_STEMS):
        return "configuration"
    stem, dot, suffix = lower.rpartition(".")
    if not dot:
        return "code" if lower in {"run", "start", "serve", "entrypoint", "launch", "train"} else ""
    if suffix in {"example", "sample", "template", "dist", "bak", "orig", "old", "in", "tpl", "tmpl", "j2"}:
        return kind_of_text(stem.rpartition("/")[2]) or _KINDS[suffix] if suffix in _KINDS else kind_of_text(stem)
    return _KINDS.get(suffix, "")
