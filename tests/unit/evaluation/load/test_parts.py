"""What is written on the command line, what is sent, and how one answer becomes a sample."""

from __future__ import annotations

import math

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.load.levels import Level, parse_levels, presets
from weighbridge.evaluation.load.sample import missed, sample_of
from weighbridge.evaluation.load.shots import Prompts, Shape, parse_shapes


def test_levels_are_read_with_their_units() -> None:
    """Seconds and milliseconds; a preset stands for its two levels, at 1% for a limit on p99."""
    assert parse_levels(["ttft=0.5s:5%", "tpot=50ms:1.5%"]) == (Level("ttft", 0.5, 0.05), Level("tpot", 0.05, 0.015))
    assert parse_levels(["mlperf-llama2-70b-interactive"]) == (Level("ttft", 0.45, 0.01), Level("tpot", 0.04, 0.01))


@pytest.mark.parametrize(
    "word", ["ttft=0.5", "ttft=0.5s:100%", "ttft=0s:5%", "speed=1s:5%", "mlperf-llama2", "ttft=1e9s:5%", "ttft=-1s:5%"]
)
def test_a_level_that_says_nothing_is_refused(word: str) -> None:
    """With a hint how to write one."""
    with pytest.raises(UsageError) as caught:
        parse_levels([word])
    assert caught.value.hint


def test_one_level_a_metric() -> None:
    """Two limits on one metric would be two policies."""
    with pytest.raises(UsageError):
        parse_levels(["mlperf-mixtral-8x7b", "ttft=1s:5%"])


def test_presets_are_the_rules_figures() -> None:
    """MLPerf Inference rules of 2026-07-23, server and interactive scenarios (statistics.md, section 6)."""
    limits = {name: tuple(level.limit_s for level in levels) for name, levels in presets().items()}
    assert limits["mlperf-llama3.1-405b"] == (6.0, 0.175)
    assert limits["mlperf-deepseek-r1-interactive"] == (1.5, 0.015)
    assert limits["mlperf-gpt-oss-120b-interactive"] == (2.0, 0.02)
    assert len(limits) == 11


def test_no_two_prompts_begin_alike() -> None:
    """Nor do those of another run with the same seed; the words after the beginning are the same for both."""
    first, second = (Prompts([Shape(200, 10)], seed=7, salt=salt) for salt in ("aaaa", "bbbb"))
    texts = [first.request(number)[0].text for number in range(50)]
    assert len({text[:12] for text in texts}) == 50
    assert texts[0].partition("]")[2] == second.request(0)[0].text.partition("]")[2]
    assert texts[0][:5] != second.request(0)[0].text[:5]


def test_a_shared_prefix_is_shared_by_intention() -> None:
    """All prompts begin with the same words, then differ."""
    prompts = Prompts([Shape(200, 10)], seed=7, salt="aaaa", shared_tokens=100)
    one, two = (prompts.request(number)[0].text for number in (0, 1))
    assert one.partition("[")[0] == two.partition("[")[0] != ""
    assert one != two


@pytest.mark.parametrize("tokens_a_word", [1.0, 1.3, 2.5])
def test_prompts_come_to_the_length_asked_for(tokens_a_word: float) -> None:
    """After the server has counted one, the others are within 5% of the tokens wanted."""
    prompts = Prompts([Shape(1000, 10)], seed=7, salt="aaaa")

    def counted(number: int) -> int:
        return round(12 + tokens_a_word * (len(prompts.request(number)[0].text.split()) - 1))

    prompts.learn(Shape(1000, 10), counted(0))
    assert counted(1) == pytest.approx(1000, rel=0.05)


def test_a_mix_has_its_weights() -> None:
    """`512:128@3` is asked three times as often as `2000:50`, in an order that the seed gives."""
    prompts = Prompts(parse_shapes(["512:128@3", "2000:50"]), seed=7, salt="a")
    long = sum(prompts.request(number)[1].tokens_in == 2000 for number in range(400))
    assert long == pytest.approx(100, abs=30)


@pytest.mark.parametrize("word", ["512", "512:0", "0:10", "a:b", "1:1@0", "512:128:1"])
def test_a_shape_that_says_nothing_is_refused(word: str) -> None:
    """Tokens in and out, both above 0."""
    with pytest.raises(UsageError):
        parse_shapes([word])


def test_time_counts_from_when_a_request_was_due() -> None:
    """Sent 0.3 s late: the user waited that, too; TPOT = (end to end - TTFT) / (n - 1) does not change."""
    came = Completion(Outcome.TRUNCATED, "w", completion_tokens=11, first_token_s=0.2, total_s=0.7, longest_gap_s=0.06)
    sample = sample_of(10.0, 10.3, came, 11)
    assert (sample.ttft, sample.e2e, sample.tpot, sample.gap) == pytest.approx((0.5, 1.0, 0.05, 0.06))


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMEOUT])
def test_no_answer_exceeds_every_level(outcome: Outcome) -> None:
    """Whatever the limit."""
    sample = sample_of(0.0, 0.0, Completion(outcome, detail="HTTP 500"), 10)
    assert math.isinf(sample.ttft)
    assert all(missed(sample, Level(metric, 1e9, 0.05)) for metric in ("ttft", "tpot", "gap", "e2e"))
