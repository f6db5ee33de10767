from __future__ import annotations

import re
from typing import Any

from weighbridge.dossier.chart import BLUE, GREY, ORANGE, difference_plot, share_plot
from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.figure import Figures
from weighbridge.dossier.locale import load_locale

FIGURES = Figures(load_locale("en"))


def _points(svg: str, colour: str) -> list[tuple[float, float]]:
    """Return where the filled points of a colour lie, legend excepted."""
    marks = svg.partition('class="mark-group role-legend')[0]
    found = re.findall(rf'<path [^>]*transform="translate\(([\d.]+),([\d.]+)\)"[^>]*fill="{colour}"', marks)
    return [(float(x), float(y)) for x, y in found]


def test_points_lie_where_the_numbers_say(weighed: Any) -> None:
    """On an axis of 480 pixels from 0 to 1, chance 0.25 is at 120, 60 of 120 right at 240, a demand of 0.4 at 192."""
    score = weighed.score("knowledge-en", "en", 60, 120)
    rulings = [weighed.ruling("r", "pass", ("score/v1", "accuracy", "at-least", 0.4), "b", evidence=[score.id])]
    svg = share_plot(compose(weighed.decision(rulings=rulings), [score]), FIGURES)
    assert svg is not None
    assert [x for x, _ in _points(svg, GREY)] == [120]
    assert [x for x, _ in _points(svg, BLUE)] == [240]
    assert [x for x, _ in _points(svg, ORANGE)] == [192]


def test_a_chart_has_a_name_and_takes_the_colour_of_the_page(dossier: Dossier) -> None:
    """A reader's machine finds role, name and title; text is readable on any ground, and no ground is painted."""
    for svg in (share_plot(dossier, FIGURES), difference_plot(dossier, FIGURES)):
        assert svg is not None
        assert svg.startswith('<svg role="img" aria-label="Interval plot of ')
        assert "<title>" in svg
        assert 'fill="currentColor"' in svg
        assert 'fill="white"' not in svg
        assert "http" not in svg.replace("http://www.w3.org/", "")


def test_hostile_names_stay_text(weighed: Any) -> None:
    """A suite's name cannot leave its label."""
    body = weighed.score("knowledge-en", "en", 3, 10).body
    body["suite"] |= {"name": '"><script>x</script>\u202e{signal}'}
    svg = share_plot(compose(weighed.decision(), [weighed.stated("score/v1", body)]), FIGURES)
    assert svg is not None
    assert "<script" not in svg
    assert "⟨U+202E⟩" in svg


def test_without_numbers_there_is_no_chart(weighed: Any) -> None:
    """An empty frame would look like a measurement of nothing."""
    empty = compose(weighed.decision(), [])
    assert share_plot(empty, FIGURES) is None
    assert difference_plot(empty, FIGURES) is None
