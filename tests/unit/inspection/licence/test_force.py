"""What is in force along the chain, on the errors that vendors and re-uploaders made."""

from __future__ import annotations

import pytest

from weighbridge.inspection.licence.answer.judge import judge
from weighbridge.inspection.licence.answer.use import IntendedUse
from weighbridge.inspection.licence.base import load_base
from weighbridge.inspection.licence.chain.families import family_named, licences_of_tag
from weighbridge.inspection.licence.chain.force import in_force
from weighbridge.inspection.licence.chain.sources import Given, Text
from weighbridge.inspection.licence.diff import text_of

CLOSED = IntendedUse(
    offer="internal", commercial=True, seat="US", users=("US",), fields=(), fine_tunes=False, distils=False,
    trains_others=False, distributes=False, group_revenue_usd=1e5, monthly_users=10, group_monthly_users=1e9,
)  # fmt: skip


def _text(licence_id: str, name: str = "LICENSE") -> Text:
    words = text_of(licence_id, load_base())
    assert words is not None
    return Text(name, words)


def _names(given: Given) -> list[str]:
    return [conflict.name for conflict in in_force(given).conflicts]


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3"),
        ("someone/My-Llama-3.3-70B-abliterated", "llama-3.3"),
        ("unsloth/Meta-Llama-3.1-8B", "llama-3.1"),
        ("meta-llama/Meta-Llama-3-8B", "llama-3"),
        ("deepseek-r1:70b", "llama-3.3"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("qwen2.5vl:3b", "qwen-research-2024"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "apache-2.0"),
        ("google/gemma-3-12b-it", "gemma-2025-03-24"),
        ("google/gemma-2b-it", "gemma-2024-02-21"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", None),
        ("my-model", None),
    ],
)
def test_a_base_is_known_by_its_name(name: str, licence: str | None) -> None:
    """The makers' own licence files; a size can have another licence than its family (Qwen2.5 3B)."""
    family = family_named(name)
    assert (family.licence if family else None) == licence


def test_an_mit_tag_on_a_llama_derivative_is_a_conflict_and_llama_counts() -> None:
    """deepseek-r1:70b shown as MIT derives from Llama-3.3-70B: 700 million users need Meta's licence all the same."""
    given = Given("deepseek-r1:70b", (_text("mit"),), tag="mit", clues=(("its name", "deepseek-r1:70b"),))
    body = in_force(given)
    assert [conflict.name for conflict in body.conflicts] == ["file-against-base", "tag-against-base"]
    assert body.terms["commercial_use"].value == "conditional"
    answer = judge(CLOSED, body.gates)
    assert answer.answer == "needs a licence"
    assert {reason.licensor for reason in answer.licences_needed} == {"Meta"}


def test_a_free_file_on_a_research_base_is_a_conflict() -> None:
    """qwen2.5vl:3b shown as Apache-2.0 is under the Qwen Research licence (illuin-tech/colpali issue 334)."""
    given = Given("qwen2.5vl:3b", (_text("apache-2.0"),), clues=(("its name", "qwen2.5vl:3b"),))
    body = in_force(given)
    assert [conflict.name for conflict in body.conflicts] == ["file-against-base"]
    assert body.terms["commercial_use"].value == "no"
    assert judge(CLOSED, body.gates).answer == "needs a licence"


def test_stale_terms_of_gemma_are_named() -> None:
    """Gemma 3 shown with the terms of 2024-02-21; its own are of 2025-03-24."""
    given = Given("gemma3:12b", (_text("gemma-2024-02-21"),), clues=(("its name", "gemma3:12b"),))
    assert _names(given) == ["stale-revision"]


def test_a_cut_text_is_named_and_left_to_a_human() -> None:
    """Apache-2.0 cut in mid sentence, as for all qwen3 sizes: a human must get the whole."""
    words = _text("apache-2.0").words[:2800]
    body = in_force(Given("qwen3:14b", (Text("LICENSE", words),), tag="apache-2.0"))
    assert [conflict.name for conflict in body.conflicts] == ["truncated-text"]
    assert judge(CLOSED, body.gates).answer == "a human must decide"


def test_a_title_that_its_body_belies_is_named() -> None:
    """MiniMax M2 is headed "MIT License" and has a display duty."""
    body = in_force(Given("m2", (_text("minimax-m2-modified-mit"),), tag="mit"))
    assert {"title-against-body", "file-against-tag"} <= {conflict.name for conflict in body.conflicts}


def test_a_tag_is_never_the_licence() -> None:
    """With a tag alone nothing is allowed outright, whatever the tag; with the text it is."""
    tagged = in_force(Given("model", tag="apache-2.0"))
    assert (tagged.text_found, tagged.licences) == (False, [])
    assert judge(CLOSED, tagged.gates).answer == "a human must decide"
    assert any("the tag apache-2.0 is no licence" in question for question in tagged.questions)
    read = in_force(Given("model", (_text("apache-2.0"),), tag="apache-2.0"))
    assert (read.text_found, read.licences, read.conflicts) == (True, ["apache-2.0"], [])
    assert judge(CLOSED, read.gates).answer == "allowed"


def test_code_and_weights_are_kept_apart() -> None:
    """DeepSeek-V3: MIT for the code, the model licence for the weights; the code's licence frees no weights."""
    given = Given("DeepSeek-V3", (_text("mit", "LICENSE-CODE"), _text("deepseek-model-1.0", "LICENSE-MODEL")))
    body = in_force(given)
    assert [(force.role, force.licence) for force in body.in_force] == [
        ("code", "mit"),
        ("weights", "deepseek-model-1.0"),
    ]
    assert body.licences == ["deepseek-model-1.0"]
    assert judge(IntendedUse(fields=("military",)), body.gates).answer == "forbidden"


def test_an_altered_text_keeps_no_changed_answer() -> None:
    """700 million changed to 7 million: the figure is the text's own, what rests on that clause is not known."""
    words = _text("llama-3.1").words.replace("700 million", "7 million")
    body = in_force(Given("model", (Text("LICENSE", words),), tag="llama3.1"))
    assert body.terms["mau_threshold"].value == "7 million monthly active users"
    assert body.terms["commercial_conditions"].value is None
    assert body.terms["governing_law"].value == "California (7)"
    assert body.licences == []
    assert not any(gate.when.above for gate in body.gates)
    assert judge(CLOSED, body.gates).answer == "a human must decide"


def test_a_rider_takes_the_free_answer_away() -> None:
    """The Commons Clause before Apache-2.0: commercial use, hosting and redistribution are not answered as Apache's."""
    clause = (
        '"Commons Clause" License Condition v1.0\n\nThe Software is provided to you by the Licensor under the License, '
        "subject to the following condition. The License does not grant to you, the right to Sell the Software.\n\n"
    )
    body = in_force(Given("model", (Text("LICENSE", clause + _text("apache-2.0").words),)))
    for column in ("commercial_use", "hosting_as_service", "redistribution", "osi_approved"):
        assert body.terms[column].value is None
        assert body.terms[column].reason
    assert judge(CLOSED, body.gates).answer == "a human must decide"


def test_of_an_unknown_text_only_its_own_words_are_taken() -> None:
    """A ban on commerce and a revenue figure are quoted from the text; everything else stays unknown."""
    words = (
        "HOUSE LICENSE\n\nYou may use the weights solely for non-commercial research.\n\n"
        "If your annual revenue exceeds US$5 million, you must contact us.\n"
    )
    body = in_force(Given("model", (Text("LICENSE", words),)))
    assert body.terms["commercial_use"].value == "no"
    assert body.terms["commercial_use"].quotes == ["You may use the weights solely for non-commercial research."]
    assert body.terms["revenue_threshold"].value == "US$5 million revenue"
    assert body.terms["patent"].value is None
    assert judge(CLOSED, body.gates).answer == "forbidden"


@pytest.mark.parametrize("words", ["", "\0" * 100, "(" * 50_000, "not " * 30_000, "\ud800 licence", "a" * 200_000])
def test_no_text_breaks_the_reader(words: str) -> None:
    """Whatever a file holds, there is an answer, and it allows nothing."""
    body = in_force(Given("model", (Text("LICENSE", words),)))
    assert judge(CLOSED, body.gates).answer == "a human must decide"


def test_a_base_nobody_knows_is_a_question() -> None:
    """The chain ends in the dark: the terms of the base must be read by a human."""
    body = in_force(Given("model", (_text("mit"),), bases=("nobody/thing",)))
    assert judge(CLOSED, body.gates).answer == "a human must decide"
    assert any("nobody/thing" in question for question in body.questions)


def test_a_restricted_data_set_is_a_question() -> None:
    """Alpaca is CC-BY-NC: whether that binds weights is for a human."""
    body = in_force(Given("model", (_text("mit"),), datasets=("tatsu-lab/alpaca",)))
    assert any("tatsu-lab/alpaca" in question for question in body.questions)


def test_a_tag_may_stand_for_several_revisions() -> None:
    """`gemma` names no revision; a name beside `other` can tell; what is not known says nothing."""
    assert "gemma-2024-04-01" in licences_of_tag("gemma", None)
    assert licences_of_tag("other", "qwen-research") == ("qwen-research-2024",)
    assert licences_of_tag("other", "house") == ()


def test_of_several_licences_in_a_file_the_strictest_counts() -> None:
    """MIT for the code and a model licence below it in one file: the restrictions count, and a human says which."""
    both = f"{_text('mit').words}\n\n\n{'-' * 70}\n\n\n{_text('deepseek-model-1.0').words}"
    body = in_force(Given("model", (Text("LICENSE", both),)))
    assert body.in_force[0].verdict == "several"
    assert str(body.terms["aup_incorporated"].value).startswith("yes")
    assert body.terms["osi_approved"].value == "no"
    assert judge(CLOSED, body.gates).answer == "a human must decide"
    assert judge(IntendedUse(fields=("military",)), body.gates).answer == "forbidden"
