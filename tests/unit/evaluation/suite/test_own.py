"""Your own table in one line: what is guessed is told, and what is unclear is not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import SuiteError
from weighbridge.evaluation.suite import find_suite

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.suite import Suite


def own(folder: Path, text: str, name: str = "My Own.jsonl") -> Suite:
    """Write a table and ask for it as `--suite` does."""
    (folder / name).write_text(text)
    return find_suite(str(folder / name))


def test_questions_and_answers(tmp_path: Path) -> None:
    """Two columns are enough; the notice says how they were read."""
    found = own(tmp_path, '{"prompt": "Capital of France?", "target": "Paris"}\n')
    assert (found.name, found.scorer, found.items[0].answer) == ("my-own", "exact", "Paris")
    assert "`prompt` is taken for the question, `target` for the answer; 1 questions" in found.notices[0]


def test_numbers_are_marked_as_numbers(tmp_path: Path) -> None:
    """Where every answer is a number, the number that an answer ends with counts."""
    found = own(tmp_path, 'question,answer\n6*7?,42\nhalf of 3?,1.5\nprice?,"$1,200"\n', "sums.csv")
    assert (found.scorer, [item.answer for item in found.items]) == ("number", ["42", "1.5", "$1,200"])
    assert own(tmp_path, "question,answer\n6*7?,42\nwhich city?,Rome\n", "mixed.csv").scorer == "exact"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"question": "?", "choices": ["x", "y", "z"], "answer": "C"}\n', "a.jsonl"),
        ('{"question": "?", "options": ["x", "y", "z"], "label": "z"}\n', "b.jsonl"),
        (('[{"question": "?", "choices": ["x", "y", "z"], "answer": 2},'
         ' {"question": "!", "choices": ["x", "y"], "answer": 0}]'), "c.json"),
        ("Question,A,B,C,Answer\n?,x,y,z,C\n", "d.csv"),
        ("question\toption_a\toption_b\toption_c\tanswer\n?\tx\ty\tz\tz\n", "e.tsv"),
        ('{"question": "?", "choices": ["A) x", "B) y", "C) z"], "answer": "C"}\n', "f.jsonl"),
    ],
)  # fmt: skip
def test_choices_in_several_forms(tmp_path: Path, text: str, name: str) -> None:
    """A list, or columns by letter; answers by letter, index or text: one reading fits all rows."""
    found = own(tmp_path, text, name)
    assert (found.items[0].choices, found.items[0].answer) == (("x", "y", "z"), "C")
    assert (found.scorer, found.max_tokens, list(found.forms)) == ("choice", 1, ["completion", "chat"])
    assert found.reads_distribution


def test_chance_is_that_of_guessing(tmp_path: Path) -> None:
    """The mean of one over the number of choices."""
    rows = (
        '{"question": "?", "choices": ["x", "y"], "answer": "A"}\n'
        '{"question": "!", "choices": ["x", "y", "z", "w"], "answer": "D"}\n'
    )
    assert own(tmp_path, rows).chance == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"question": "?", "prompt": "!", "answer": "1"}\n', "the question could be any of `question`, `prompt`"),
        ('{"question": "?", "antwort": "1"}\n', "no column is the answer: it has `question`, `antwort`"),
        ('{"question": "?", "choices": ["a", "b", "c"], "answer": "1"}\n', "could be read as index or as number"),
        ('{"question": "?", "choices": ["B", "A"], "answer": "A"}\n', "could be read as letter or as text"),
        ('{"question": "?", "choices": ["1", "2", "3"], "answer": "2"}\n', "could be read as"),
        (('{"question": "?", "choices": ["a", "b"], "answer": "a"}\n'
         '{"question": "!", "choices": ["a", "b"], "answer": "C"}\n'), r"the answers are not letters.*line 2"),
        ('{"question": "?", "choices": ["a", "b"], "A": "a", "B": "b", "answer": "a"}\n', "several columns could hold"),
        ("", "holds no items"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_an_error_that_says_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    """Two readings of one table are two benchmarks: the user decides, in six lines."""
    with pytest.raises(SuiteError, match=said) as caught:
        own(tmp_path, text)
    if text:
        assert 'files = "My Own.jsonl"' in str(caught.value.hint)


def test_a_table_may_not_take_the_name_of_a_benchmark(tmp_path: Path) -> None:
    """Rules ask for suites by name: `gsm8k` must be GSM8K."""
    with pytest.raises(SuiteError, match="calls itself `gsm8k`"):
        own(tmp_path, '{"question": "?", "answer": "1"}\n', "gsm8k.jsonl")
