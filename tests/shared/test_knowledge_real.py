"""The shipped tables against the data they come from, and against 2,917 quantizations with a stated base."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from weighbridge.knowledge.load import load_knowledge

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))
DATA = SHARED / "data"

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")]


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of the real data."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_organisations_are_those_of_the_source() -> None:
    """Country and kind of all 287; XX (international) and ZZ (unknown) are no country."""
    known = load_knowledge().organisations
    for row in rows("orgs.csv"):
        own = known[row["org"]]
        assert (own.country, own.kind) == ("" if row["country"] in {"XX", "ZZ"} else row["country"], row["kind"])


def test_releases_are_those_of_the_source() -> None:
    """Family, model, date as written, and parameters of all 150."""
    own = {(one.family, one.model, one.date_text, str(one.total_parameters or "")) for one in load_knowledge().releases}
    assert own == {(row["family"], row["model"], row["date"], row["total_params"]) for row in rows("releases.csv")}


def test_a_quantization_is_of_the_family_of_its_base() -> None:
    """By the names alone, no pair disagrees; seven in ten names say their family, the others say nothing."""
    known = load_knowledge()
    pairs = [
        (known.family_of(row["base_model"]), known.family_of(row["gguf_repo"]))
        for row in rows("hubstats/gguf_sources-2026-10-05.csv")
    ]
    assert len(pairs) == 2917
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert sum(base is not None for base, _ in pairs) > 0.7 * len(pairs)


def test_makers_own_names_are_of_their_own_families() -> None:
    """What a maker publishes is of its own family, but for what its name says stands on another's weights.

    NVIDIA is left out: half of what it publishes are quantizations of others.
    """
    known = load_knowledge()
    makers = {family.maker for family in known.families} - {"nvidia"}
    own, others = 0, set()
    for row in rows("hubstats/hub-2026-10-05.csv"):
        maker, _, name = row["model_id"].partition("/")
        family = known.family_of(name)
        if maker in makers and family is not None:
            own += family.maker == maker
            others |= {name} if family.maker != maker else set()
    assert own > 900
    assert len(others) < 0.05 * own
    assert {"DeepSeek-R1-Distill-Qwen-7B", "cogvlm2-llama3-chat-19B"} <= others


# architectures that one family has made, by the code of transformers; derivatives keep them whatever their name
MADE_BY = {
    "qwen": "Qwen", "gemma": "Gemma", "gpt_oss": "gpt-oss", "glm": "GLM", "minimax": "MiniMax", "olmo": "OLMo",
    "granite": "Granite", "lfm2": "LFM", "falcon": "Falcon", "phi": "Phi", "smollm": "SmolLM", "ernie": "ERNIE",
    "hunyuan": "Hunyuan", "minicpm": "MiniCPM", "mixtral": "Mixtral", "mistral3": "Mistral", "bloom": "BLOOM",
    "mpt": "MPT", "jamba": "Jamba", "stablelm": "StableLM", "internlm": "InternLM", "apertus": "Apertus",
    "bailing": "Ling", "seed_oss": "Seed", "longcat": "LongCat", "llama4": "Llama", "mllama": "Llama",
}  # fmt: skip


def test_names_agree_with_architectures() -> None:
    """Where an architecture is one family's and the name says a family, it is that one in 97 of 100 cases.

    The others are drafts for speculative decoding (built as Qwen3 for any model), and makers who train their own
    weights in another's architecture (LLM-jp 4, Kanana 2).
    """
    known = load_knowledge()
    agreed = differ = 0
    for row in rows("hubstats/hub-2026-10-05.csv"):
        made_by = next((one for start, one in MADE_BY.items() if row["architecture"].startswith(start)), None)
        family = known.family_of(row["model_id"])
        if made_by and family:
            agreed += family.name == made_by
            differ += family.name != made_by
    assert agreed > 5000
    assert differ < 0.03 * (agreed + differ)


def test_few_unlisted_names_look_like_listed_ones() -> None:
    """Of 5,146 unlisted publishers in three snapshots, a warning names a handful, `intel-ai` among them."""
    known = load_knowledge()
    names = {
        row["model_id"].partition("/")[0]
        for day in ("06-02", "08-16", "10-05")
        for row in rows(f"hubstats/hub-2026-{day}.csv")
    }
    warned = {name: like.name for name in names if (like := known.look_alike(name))}
    assert warned["intel-ai"] == "Intel"
    assert len(names - known.organisations.keys()) > 5000
    assert len(warned) <= 10
