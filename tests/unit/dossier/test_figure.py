from __future__ import annotations

from typing import Any

import pytest

from weighbridge.core.kinds import EstimateBody
from weighbridge.dossier.figure import Figures, as_estimate, unit_of
from weighbridge.dossier.locale import load_locale

ENGLISH = Figures(load_locale("en"))


def test_a_share_is_written_as_the_design_asks() -> None:
    """25 of 100 by Wilson is [17.5%, 34.3%] in any textbook; interval and count stand beside the value."""
    found = EstimateBody(value=0.25, low=0.1755, high=0.3430, n=100, method="wilson", level=0.95, unscored=3)
    assert str(ENGLISH.estimate(found, "accuracy")) == "25.0% [17.5, 34.3], n = 100, 3 unscored"


def test_a_difference_has_its_sign_and_is_in_points() -> None:
    """+0.4 points [-1.2, +2.0]: the form of the exemplar."""
    found = EstimateBody(value=0.004, low=-0.012, high=0.02, n=310, method="paired", level=0.95, unscored=0)
    assert str(ENGLISH.estimate(found, "difference")) == "+0.4 points [-1.2, +2.0], n = 310"
    chinese = Figures(load_locale("zh")).estimate(found, "difference")
    assert chinese.value == "+0.4 个百分点"


@pytest.mark.parametrize(
    ("value", "measure", "text"),
    [
        (None, "licence", "-"),
        (0, "findings_by_severity.high", "0"),
        (True, "chat_template", "yes"),
        ([], "licence_files", "none"),
        (["mit", "apache-2.0"], "licence", "mit, apache-2.0"),
        (0.5, "ttft_median_s", "0.5 s"),
        (1.0, "calls.coverage", "100.0%"),
        (98_465_280, "total_bytes", "98.47 MB"),
        (512, "size", "512 B"),
        ({"Q4_1": 106_168_320, "F32": 55_936}, "dtypes", "F32 55,936; Q4_1 106,168,320"),
        ({}, "dtypes", "none"),
        (8192, "context_length", "8,192"),
    ],
)
def test_values_carry_the_unit_of_their_name(value: Any, measure: str, text: str) -> None:
    """The unit comes from the measure's name; "not looked at" is a dash and nothing found is a zero."""
    assert ENGLISH.value(value, measure) == text


def test_a_parameter_count_is_said_and_exact() -> None:
    """People say 134.5 M; an auditor counts."""
    assert ENGLISH.parameters(134_515_008) == "134.5 M (134,515,008)"


def test_an_unknown_operator_is_shown_as_it_is() -> None:
    """A later operator does not break the page."""
    assert ENGLISH.demand("at-least", 0.4, "accuracy") == "at least 40%"
    assert ENGLISH.demand("near", 3, "layers") == "near 3"


def test_what_must_be_there_is_there_or_not() -> None:
    """The demand fits a licence and a yes-or-no alike."""
    assert ENGLISH.demand("present", None, "chat_template") == "must be there"
    assert Figures(load_locale("zh")).demand("present", None, "chat_template") == "必须具备"
    assert ENGLISH.value(value=False, measure="chat_template") == "no"


def test_only_a_whole_estimate_is_an_estimate() -> None:
    """A table without interval or count is not taken for a measurement."""
    assert as_estimate({"value": 1, "low": 0, "high": 1}) is None
    assert as_estimate(0.3) is None
    assert unit_of("difference") == "points"
