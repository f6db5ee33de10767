"""Answers for an intended use: what each clause does, and the laws that hold for every use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.inspection.licence.answer.judge import ANSWERS, judge
from weighbridge.inspection.licence.answer.use import FIELDS, IntendedUse
from weighbridge.inspection.licence.terms import known, licence_of

HARMLESS = IntendedUse(
    offer="internal", commercial=True, seat="US", users=("US",), fields=(), fine_tunes=False, distils=False,
    trains_others=False, distributes=False, group_revenue_usd=1e5, annual_revenue_usd=0, monthly_revenue_usd=0,
    monthly_users=10, group_monthly_users=1000, daily_users=5,
)  # fmt: skip

amounts = st.none() | st.floats(0, 1e13)
uses = st.builds(
    IntendedUse,
    offer=st.sampled_from([None, "internal", "product", "hosted-api", "resale", "assistant"]),
    commercial=st.none() | st.booleans(),
    seat=st.sampled_from([None, "DE", "US", "CN", "KR", "GB"]),
    users=st.none() | st.lists(st.sampled_from(["DE", "US", "KR"]), max_size=3).map(tuple),
    fields=st.none() | st.lists(st.sampled_from(sorted(FIELDS)), max_size=2).map(tuple),
    fine_tunes=st.none() | st.booleans(),
    distils=st.none() | st.booleans(),
    trains_others=st.none() | st.booleans(),
    distributes=st.none() | st.booleans(),
    group_revenue_usd=amounts,
    group_revenue_eur=amounts,
    company_revenue_eur=amounts,
    annual_revenue_usd=amounts,
    monthly_revenue_usd=amounts,
    monthly_users=amounts,
    group_monthly_users=amounts,
    daily_users=amounts,
)
licences = st.sampled_from(known())
FIGURES = ("group_revenue_usd", "group_revenue_eur", "company_revenue_eur", "annual_revenue_usd", "monthly_revenue_usd",
           "monthly_users", "group_monthly_users", "daily_users")  # fmt: skip


def _answer(licence_id: str, use: IntendedUse, *, multimodal: bool | None = False) -> str:
    licence = licence_of(licence_id)
    assert licence is not None
    return judge(use, licence.gates, multimodal=multimodal).answer


@pytest.mark.parametrize(
    ("licence_id", "changed", "answer"),
    [
        ("apache-2.0", {}, "allowed"),
        ("apache-2.0", {"offer": "resale", "distributes": True}, "allowed with duties"),
        ("mit", {"fields": ("military",)}, "allowed"),
        ("deepseek-model-1.0", {"fields": ("military",)}, "forbidden"),
        ("deepseek-model-1.0", {"fields": None}, "a human must decide"),
        ("llama-3.3", {"group_monthly_users": 700e6}, "allowed with duties"),
        ("llama-3.3", {"group_monthly_users": 700e6 + 1}, "needs a licence"),
        ("llama-3", {"distils": True}, "forbidden"),
        ("llama-3.1", {"distils": True}, "allowed with duties"),
        ("llama-4", {"seat": "DE"}, "forbidden"),
        ("llama-4", {"users": ("DE",)}, "allowed with duties"),
        ("tencent-hunyuan-community-eu", {"users": ("KR",)}, "allowed with duties"),
        ("tencent-hunyuan-community-eu-uk-kr", {"users": ("KR",)}, "forbidden"),
        ("tencent-hunyuan-community-eu", {"users": ("US", "HR")}, "forbidden"),
        ("tencent-hunyuan-community-eu", {"users": None}, "a human must decide"),
        ("qwen3.8-max-2026", {"offer": "hosted-api", "group_revenue_usd": 60e6}, "needs a licence"),
        ("qwen3.8-max-2026", {"offer": "hosted-api", "group_revenue_usd": 40e6}, "allowed"),
        ("qwen3.8-max-2026", {"offer": "internal", "group_revenue_usd": 60e9}, "allowed"),
        ("minimax-display-mit", {"offer": "product"}, "allowed with duties"),
        ("moonshot-modified-mit", {"offer": "product", "distributes": False}, "allowed"),
        ("falcon-180b-1.0", {"offer": "hosted-api"}, "needs a licence"),
        ("falcon-180b-1.0", {"offer": "product"}, "allowed with duties"),
        ("cc-by-nc-4.0", {}, "forbidden"),
        ("cc-by-nc-4.0", {"commercial": None}, "a human must decide"),
        ("cc-by-nc-4.0", {"commercial": False}, "allowed"),
        ("qwen-research-2024", {}, "needs a licence"),
        ("stability-community-2024", {"group_revenue_usd": 1_000_001}, "needs a licence"),
        ("stability-community-2024", {"group_revenue_usd": 1_000_000}, "allowed with duties"),
        ("stability-community-2024", {"group_revenue_usd": None, "group_revenue_eur": 9e5}, "a human must decide"),
        ("stability-community-2024", {"group_revenue_usd": None, "group_revenue_eur": 7e5}, "allowed with duties"),
        ("stability-community-2024", {"group_revenue_usd": None, "company_revenue_eur": 7e5}, "a human must decide"),
        ("exaone-1.1-nc", {"trains_others": True}, "forbidden"),
        ("statement:baichuan-2", {"offer": "hosted-api"}, "forbidden"),
    ],
)
def test_a_clause_decides(licence_id: str, changed: dict[str, object], answer: str) -> None:
    """The clauses of the texts: thresholds at their very figure, territories, business models, outputs, fields."""
    assert _answer(licence_id, replace(HARMLESS, **changed)) == answer  # type: ignore[arg-type]


def test_multimodal_models_of_llama_are_kept_from_companies_in_the_union() -> None:
    """Llama 3.2's use policy: the text-only sizes are free of it, the others not, an unknown one is a question."""
    seated = replace(HARMLESS, seat="FR")
    found = [_answer("llama-3.2", seated, multimodal=sees) for sees in (False, True, None)]
    assert found == ["allowed with duties", "forbidden", "a human must decide"]


def test_every_reason_has_its_clause_in_words() -> None:
    """A licence to get names who grants it, quotes the clause and its number."""
    licence = licence_of("llama-3.3")
    assert licence is not None
    answer = judge(replace(HARMLESS, group_monthly_users=1e9), licence.gates, multimodal=False)
    [reason] = answer.licences_needed
    assert (reason.licensor, reason.clause) == ("Meta", "s.2")
    assert "greater than 700 million monthly active users" in reason.quote
    assert answer.to_json()["needs_licence_from"] == ["Meta"]
    assert "Not legal advice" in answer.to_json()["advice"]


def test_no_terms_are_a_question() -> None:
    """Where nothing is known of a licence, a human decides."""
    assert judge(HARMLESS, None).answer == "a human must decide"


@given(licences, uses, st.sampled_from(FIGURES), amounts, amounts, st.none() | st.booleans())
def test_more_users_or_revenue_never_make_a_licence_more_permissive(
    licence_id: str, use: IntendedUse, figure: str, one: float | None, other: float | None, sees: bool | None
) -> None:
    """Whatever else is said or not: the larger figure never gets the milder answer."""
    low, high = sorted((one or 0.0, other or 0.0))
    answers = [_answer(licence_id, replace(use, **{figure: said}), multimodal=sees) for said in (low, high)]  # type: ignore[arg-type]
    assert ANSWERS.index(answers[0]) <= ANSWERS.index(answers[1])


@given(licences, uses, st.none() | st.booleans())
def test_what_is_not_said_is_never_taken_for_a_no(licence_id: str, use: IntendedUse, sees: bool | None) -> None:
    """Where a clause depends on something unsaid the use is not simply allowed, and no stop is dropped."""
    licence = licence_of(licence_id)
    assert licence is not None
    answer = judge(use, licence.gates, multimodal=sees)
    missing = [reason for part in (answer.questions, answer.duties) for reason in part if reason.missing]
    if missing:
        assert answer.answer != "allowed"
    if answer.answer == "allowed":
        assert answer.duties + answer.questions + answer.licences_needed + answer.forbidden == ()


@given(licences, licences, uses)
def test_a_second_licence_never_makes_the_answer_milder(first: str, second: str, use: IntendedUse) -> None:
    """Along a chain the strictest counts; the order does not."""
    one, other = licence_of(first), licence_of(second)
    assert one is not None
    assert other is not None
    both = judge(use, [*one.gates, *other.gates], multimodal=None).answer
    assert both == judge(use, [*other.gates, *one.gates], multimodal=None).answer
    alone = [judge(use, licence.gates, multimodal=None).answer for licence in (one, other)]
    assert ANSWERS.index(both) == max(map(ANSWERS.index, alone))


def test_only_what_is_open_of_a_threshold_is_not_said() -> None:
    """Kimi K2 asks for display above 100M users or 20M dollars a month: what was said is not asked again."""
    licence = licence_of("moonshot-modified-mit")
    assert licence is not None
    use = replace(HARMLESS, offer="product", group_revenue_usd=None, annual_revenue_usd=None, monthly_revenue_usd=None)
    (display,) = (one for one in judge(use, licence.gates).duties if one.kind == "display")
    assert display.missing == ("monthly_revenue_usd",)
