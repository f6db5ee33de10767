from __future__ import annotations

import pytest

from weighbridge.hub.remote.listing import RemoteFile
from weighbridge.watch.diff.parts import changes_by_part, digest_in_words, part_of

# names as they stand in published repositories (Qwen3, DeepSeek-V3, Kimi-K2, GLM-4.6, Mistral, bartowski's GGUF)
_PARTS = {
    "card": ["README.md", "README_zh.md", "readme.md"],
    "licence-text": ["LICENSE", "LICENSE.txt", "LICENSE-MODEL", "LICENSE-CODE", "COPYING", "NOTICE", "USE_POLICY.md"],
    "chat-template": ["chat_template.jinja", "chat_template.json", "additional_chat_templates/tool_use.jinja"],
    "generation-config": ["generation_config.json"],
    "tokenizer": [
        "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "tiktoken.model", "tokenizer.model",
        "special_tokens_map.json", "tekken.json", "tokenizer/vocab.json",
    ],
    "code": ["modeling_deepseek.py", "inference/kernel.py", "requirements.txt", "lib/x.so"],
    "weights": [
        "model.safetensors", "model-00001-of-000163.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "a-Q4_K_M.gguf", "BF16/a.gguf", "onnx/model_q4.onnx",
    ],
    "config": ["config.json", "params.json", "preprocessor_config.json", "hf_quant_config.json", "text/config.json"],
    "other-files": [
        ".gitattributes", "figures/benchmark.png", "docs/LICENSE", "model.md",
        "imatrix.dat", "docs/README.md",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in _PARTS.items() for name in names])
def test_a_name_says_which_part_of_a_model_a_file_is(kind: str, name: str) -> None:
    """Each name of a published repository is of the part that its loader takes it for."""
    assert part_of(name) == kind


def test_a_name_of_any_length_is_classified_at_once() -> None:
    """A name made to let a pattern run for ever ends like any other."""
    assert part_of("a-" * 40_000 + "license" + "." * 40_000) == "other-files"


def _file(name: str, size: int = 1, sha256: str = "", oid: str = "") -> RemoteFile:
    return RemoteFile(name, size, sha256, oid)


def test_files_differ_by_digest_and_the_same_digest_is_no_change() -> None:
    """Same name and digest: nothing; another digest, an absent file: a change of its part."""
    old = {n: _file(n, 5, "a" * 64) for n in ("a.gguf", "b.gguf", "LICENSE")}
    new = {"a.gguf": _file("a.gguf", 5, "a" * 64), "LICENSE": _file("LICENSE", 5, "b" * 64)}
    changes = changes_by_part(old, new)
    assert set(changes) == {"weights", "licence-text"}
    assert changes["weights"].removed == ("b.gguf",)
    assert not changes["licence-text"].removed


def test_digests_of_two_kinds_are_not_compared() -> None:
    """A file that moved into storage of its own has a SHA-256 where it had a git id: no change is claimed."""
    old, new = {"a.md": _file("a.md", 5, oid="1" * 40)}, {"a.md": _file("a.md", 5, "a" * 64)}
    (found,) = changes_by_part(old, new).values()
    assert not found.pairs
    assert found.is_unclear == ("a.md",)
    assert changes_by_part(old, {"a.md": _file("a.md", 6, "a" * 64)})["other-files"].pairs


def test_a_digest_names_its_kind() -> None:
    """Nobody takes a git id for the SHA-256 of the bytes."""
    assert digest_in_words(_file("a", 1, "a" * 64)) == "sha256:" + "a" * 64
    assert digest_in_words(_file("a", 1, oid="1" * 40)) == "git:" + "1" * 40
    assert digest_in_words(None) is None
