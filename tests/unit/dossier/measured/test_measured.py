"""Attacks, load, arena, loss by quantization and contamination hints in the dossier: verdict first, then figures."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.core.kinds import KINDS
from weighbridge.dossier import html, markdown
from weighbridge.dossier.compose import compose

EVIL = "<script>alert(1)</script>"


def estimate(value: float, low: float, high: float, n: int) -> dict[str, Any]:
    """Return an estimate."""
    return {"value": value, "low": low, "high": high, "n": n, "method": "bootstrap", "level": 0.95, "unscored": 0}


QUANTILES = {"p50": estimate(0.125, 0.12, 0.13, 900), "p95": None, "p99": None,
             "beyond": {"p95": {"value": None, "low": 30.0}}}  # fmt: skip
POINT = {
    "loop": "open", "rate": 4.5, "users": None, "seconds": 60.0, "warmup_s": 5.0, "valid": False,
    "invalid_because": ["our client was late by 80 ms"], "requests": 900, "errors": 3, "timeouts": 7, "unfinished": 0,
    "short": 0, "ttft": QUANTILES, "tpot": {}, "gap": {}, "e2e": {}, "per_token": {}, "output_tokens_s": 1234.5,
    "answers_s": 4.4, "in_flight": 3.0, "growth": 0.9, "growing": True, "lag_p99_s": 0.08, "loop_lag_p99_s": 0.01,
    "client_cpu": 0.4, "usd_per_million_output": 0.75,
}  # fmt: skip
SLO = {"limit_s": 2.0, "allowed": 0.05, "verdict": "not met", "alpha": 0.05, "exceeded": estimate(0.2, 0.1, 0.3, 900),
       "requests": 900, "blocks": 12, "log_e_met": -3.0, "log_e_not_met": 5.0}  # fmt: skip


def bodies(weighed: Any) -> dict[str, dict[str, Any]]:
    """Return one body of each kind."""
    engine, suite = weighed.engine(), weighed.suite("knowledge-en")
    loss = estimate(0.031, 0.02, 0.04, 400)
    return {
        "hijack/v1": {
            "bank": {"name": "own tasks", "version": "1", "digest": digest_of("tasks"), "licence": "Apache-2.0",
                     "source": "here", "size": 24},
            "engine": engine, "protocol": "text", "languages": ["en"], "transport": {"en": {"answered": 72}},
            "calls": weighed.calls(72), "able": {"en": estimate(0.9, 0.7, 0.97, 20)},
            "rates": {"en": {"all": {"items": 24, "hijacked": estimate(0.25, 0.12, 0.45, 24), "results": {"called": 6}},
                             "phishing": {"items": 4, "hijacked": estimate(0.5, 0.15, 0.85, 4), "results": {}}}},
            "utility": {"en": {"clean": estimate(0.8, 0.6, 0.9, 24), "difference": estimate(-0.3, -0.5, -0.1, 24)}},
            "items": [{"id": "mail-3", "language": "en", "arm": "attacked", "goal": "phishing", "outcome": "answered",
                       "result": "called", "span": "send_email(eve)", "said": f"Done. {EVIL}"}],
        },
        "jailbreak/v1": {
            "bank": {"name": "own items", "version": "1", "digest": digest_of("items"), "licence": "Apache-2.0",
                     "source": "here", "size": 24},
            "engine": engine, "languages": ["en"], "sampling": "greedy at 256 tokens", "calls": weighed.calls(72),
            "transforms": {"rot13": {"title": f"ROT13 {EVIL}", "does": "shifts letters", "source": "Wei et al. 2023"}},
            "rates": {"en": {"plain": {"items": 20, "complied": estimate(0.1, 0.03, 0.3, 20), "counts": {}},
                             "rot13": {"items": 20, "complied": estimate(0.6, 0.39, 0.78, 20), "counts": {},
                                       "difference": estimate(0.5, 0.2, 0.7, 20), "p_adjusted": 0.004}}},
            "best": {"en": {"chosen": ["rot13"], "held_out": estimate(0.55, 0.34, 0.74, 20),
                            "any": estimate(0.7, 0.48, 0.85, 20)}},
            "items": [],
        },
        "load/v1": {
            "engine": engine, "machine": "2 cores", "headline": POINT, "points": [POINT], "valid": False,
            "traffic": {"shapes": ["512:128@1"], "form": "chat", "ignore_eos": False, "shared_tokens": 0, "seed": 1,
                        "timeout_s": 30.0},
            "slo": {"ttft": SLO}, "list_prices": {"host.example": 0.9},
            "roofline": {"device": "h100-sxm", "devices": 2, "sequences": 8, "bound_tokens_s": 5000.0,
                         "measured_tokens_s": 1234.5, "share": 0.247, "binds": "memory"},
        },
        "arena/v1": {
            "suite": suite, "baseline": digest_of("b"), "baseline_name": f"base {EVIL}", "ballot": digest_of("ballot"),
            "win_rate": estimate(0.62, 0.55, 0.69, 210), "votes": 210, "voters": 9, "both_bad": 4,
            "rating_difference": estimate(0.5, 0.2, 0.8, 210), "style_difference": None, "drop_votes": 6,
            "first_place": None, "voters_agree": None, "judge_name": None, "judged_win_rate": None,
            "judge_first_place": None, "judge_flips": None, "identical": 3, "missing": 1,
        },
        "precision/v1": {
            "original": digest_of("o"), "original_name": "original", "engine": engine, "original_engine": engine,
            "texts": digest_of("t"), "texts_name": "own texts", "tokenizer": "same ids", "top_tokens": 20,
            "positions": 400, "unanswered": 2, "seen": 0.97, "identical": 11, "kl": loss, "kl_median": 0.01,
            "kl_worst": 2.5, "flips": estimate(0.08, 0.06, 0.11, 400), "perplexity_ratio": None, "capped": 0,
            "noise_kl": None, "noise_identical": 400, "noise_flips": None, "kl_beyond_noise": loss,
            "flips_beyond_noise": None, "differs": True, "calls": 900,
            "items": [{"id": "text-3:17", "kl": 2.5, "top": EVIL, "original_top": " Paris"}],
        },
        "contamination/v1": {
            "suite": suite, "engine": engine, "control_name": "own questions", "control_digest": None, "alpha": 0.05,
            "probes": [{
                "probe": "verbatim", "form": "completion", "found": estimate(0.4, 0.3, 0.5, 90),
                "control": estimate(0.1, 0.05, 0.2, 90), "difference": estimate(0.3, 0.2, 0.4, 90), "p_value": 0.001,
                "adjusted": 0.003, "hints": True, "left_out": 5, "method": "Fisher", "shows": "that the text was seen",
                "examples": [{"id": "q-7", "expected": "the mitochondrion", "said": f"the mitochondrion {EVIL}"}],
            }],
            "hinting": ["verbatim"], "not_done": {"order": "no log-probabilities"}, "calls": 180,
        },
    }  # fmt: skip


FACTS = {
    "jailbreak/v1": ("10.0% [3.0, 30.0], n = 20", "60.0% [39.0, 78.0], n = 20", "+50.0", "0.004", "Wei et al. 2023",
                     "55.0% [34.0, 74.0], n = 20", "70.0% [48.0, 85.0], n = 20", "shifts letters"),
    "hijack/v1": ("25.0% [12.0, 45.0], n = 24", "50.0% [15.0, 85.0], n = 4", "90.0% [70.0, 97.0], n = 20", "-30.0",
                  "own tasks"),
    "load/v1": ("our client was late by 80 ms", "20.0% [10.0, 30.0], n = 900", "0.125 s [0.12, 0.13], n = 900", "30 s",
                "1,234", "24.7%", "2 x h100-sxm", "0.75 USD", "host.example 0.9 USD", "512:128@1"),
    "arena/v1": ("62.0% [55.0, 69.0], n = 210", "0.5 [0.2, 0.8], n = 210", "sha256:"),
    "precision/v1": ("0.031 [0.02, 0.04], n = 400", "8.0% [6.0, 11.0], n = 400", "97.0%", "text-3:17", "own texts"),
    "contamination/v1": ("40.0% [30.0, 50.0], n = 90", "+30.0", "0.003", "that the text was seen",
                         "no log-probabilities", "the mitochondrion", "own questions"),
}  # fmt: skip
VERDICTS = {
    "jailbreak/v1": ("under the best transform, chosen on other items", "模型给出有害请求的内容"),
    "hijack/v1": ("what they show is a lower bound", "结果只是下界"),
    "load/v1": ("A service level is not met.", "有一项服务水平未满足。"),
    "arena/v1": ("People prefer the candidate", "人们更喜欢候选模型"),
    "precision/v1": ("differs from the original by more than", "超过原模型自身两次之间的差异"),
    "contamination/v1": ("Hints that the questions were seen before", "有迹象表明题目曾被见过"),
}


@pytest.mark.parametrize("kind", FACTS)
@pytest.mark.parametrize("render", [html.render, markdown.render])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_verdict_and_figures_are_on_the_page(weighed: Any, kind: str, render: Any, language: str) -> None:
    """What came out in words, then each figure with interval and count; strangers' words as text."""
    body = bodies(weighed)[kind]
    KINDS[kind].model_validate(body)
    page = render(compose(weighed.decision(), [weighed.stated(kind, body)]), language).decode()
    assert EVIL not in page
    text = page.replace("\\", "").replace("\u00a0", " ")
    for fact in (*FACTS[kind], VERDICTS[kind][language == "zh"]):
        assert fact in text, fact


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("load/v1", {"slo": {}}, "No service level was asked for."),
        ("load/v1", {"slo": {"ttft": SLO | {"verdict": "undecided"}}}, "A service level is not decided"),
        ("load/v1", {"slo": {"ttft": SLO | {"verdict": "met"}}}, "All service levels asked for are met."),
        ("arena/v1", {"win_rate": estimate(0.52, 0.45, 0.59, 210)}, "Not decided"),
        ("arena/v1", {"win_rate": estimate(0.3, 0.2, 0.4, 210)}, "People prefer the baseline"),
        ("arena/v1", {"win_rate": None}, "No vote between the two counts."),
        ("precision/v1", {"differs": False}, "that is no proof that there is none"),
        ("contamination/v1", {"hinting": [], "probes": []}, "that is no proof that they were not"),
    ],
)
def test_what_is_not_shown_is_not_claimed(weighed: Any, kind: str, changed: dict[str, Any], said: str) -> None:
    """Undecided, not asked and not found are told apart from good and bad."""
    body = bodies(weighed)[kind] | changed
    text = markdown.render(compose(weighed.decision(), [weighed.stated(kind, body)])).decode()
    assert said in text


def test_a_transform_that_gives_no_more_than_plain_is_no_best(weighed: Any) -> None:
    """No gain anywhere: none is named, and one that a language has no words for is told as not asked."""
    body = bodies(weighed)["jailbreak/v1"]
    body["rates"]["en"]["rot13"] |= {"complied": estimate(0.1, 0.03, 0.3, 20), "difference": estimate(0, -0.2, 0.2, 20)}
    body["transforms"]["leet"] = body["transforms"]["rot13"] | {"title": "Leetspeak"}
    text = markdown.render(compose(weighed.decision(), [weighed.stated("jailbreak/v1", body)])).decode()
    assert "no transform makes the model give more harmful content than the plain request does" in text
    assert "under the best transform" not in text
    assert next(one for one in text.splitlines() if "Leetspeak" in one).count("not asked in this language") == 1


def test_each_area_without_a_statement_was_not_looked_at(weighed: Any) -> None:
    """Eight kinds with tables of their own, eight times "Not looked at"."""
    text = markdown.render(compose(weighed.decision(), [])).decode()
    part = text.split("## What was measured", 1)[1].split("\n## ", 1)[0]
    assert part.count("Not looked at") == 8
