"""Problems, solutions and mistakes of our own writing, in the forms in which models answer."""

from __future__ import annotations

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import SandboxUnavailable
from weighbridge.evaluation.item import Item, Score, Unscored
from weighbridge.evaluation.scorers import code as scorer
from weighbridge.evaluation.scorers.code import code, ready
from weighbridge.evaluation.scorers.reading.program import read_program

pytest.importorskip("wasmtime")
pytest.importorskip("componentize_py")

PROMPT = (
    "from typing import List\n\n\ndef widest(words: List[str]) -> int:\n"
    '    """ Return the longest word\'s length, 0 for none. """\n'
)
BODY = "    if not words:\n        return 0\n    return max(map(len, words))\n"
TEST = "def check(candidate):\n    assert candidate(['a', 'bcd']) == 3\n    assert candidate([]) == 0\n"
ITEM = Item("own/0", PROMPT, data={"prompt": PROMPT, "test": TEST, "entry_point": "widest"})  # the shape of HumanEval

WHOLE = PROMPT + BODY
WRONG = WHOLE.replace("max(", "min(")


def answered(text: str, outcome: Outcome = Outcome.ANSWERED) -> Completion:
    """Return a completion with this text."""
    return Completion(outcome, text=text)


def label(text: str, item: Item = ITEM, outcome: Outcome = Outcome.ANSWERED) -> str:
    """Return the mark in one word."""
    mark = code(item, answered(text, outcome))
    return mark.label if isinstance(mark, Score) else f"unscored: {mark.reason}"


RIGHT = {
    "a body that goes on": BODY,
    "a body whose first blanks a server cut off": BODY.lstrip(),
    "a body that lost its depth": "if not words:\n    return 0\nreturn max(map(len, words))\n",
    "a body and then more functions": BODY + "\n\ndef check(candidate):\n    pass\n\nprint('passed')\n",
    "a body and then a test of its own that fails": BODY + "\nassert widest([]) == 1\n",
    "a fence": f"Here it is:\n```python\n{WHOLE}```\nIt takes the longest.",
    "a fence without the imports of the prompt": "```python\ndef widest(words: List[str]) -> int:\n" + BODY + "```",
    "a fence with the body only": f"```python\n{BODY}```",
    "a fence in a list": "1. Code:\n\n   ```py\n"
    + "\n".join("   " + line for line in WHOLE.split("\n"))
    + "\n   ```\n",
    "helpers in a block before": "First\n```python\nimport math\n"
    "def longest(ws):\n    return max(map(len, ws), default=0)\n```\n"
    "then\n```python\ndef widest(words):\n    return longest(words)\n```\n",
    "a use after the solution": f"```python\n{WHOLE}```\nUse:\n```python\nprint(widest(undefined))\n```",
    "a shell block before": f"```bash\npip install nothing\n```\n```python\n{WHOLE}```",
    "no fence, with prose around": f"Sure! Here is the function.\n\n{WHOLE}\nThis function takes the longest word.",
    "windows lines": WHOLE.replace("\n", "\r\n"),
    "tildes": f"~~~python\n{WHOLE}~~~",
    "a fence never closed": f"```python\n{WHOLE}",
    "a lambda": "```python\nwidest = lambda words: max(map(len, words), default=0)\n```",
}


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_program_is_found_in_every_form_of_answer(form: str) -> None:
    """Prose, fences, lost blanks and repeated signatures do not make a right program wrong."""
    assert label(RIGHT[form]) == "right"


@pytest.mark.parametrize(
    "text",
    [
        "    return None\n",
        "    pass",
        f"```python\n{WRONG}```",
        "I cannot help with that.",
        "```python\nprint('passed')\nraise SystemExit(0)\n```",
        "```python\ndef check(candidate): pass\ndef widest(words): return 1\n```",
        "    import os; os._exit(0)",
        "```python\nclass A:\n    def __eq__(self, other): return True\ndef widest(words): return A()\n```",
        "```python\ndef widest(words:\n```",
    ],
)
def test_a_wrong_program_is_wrong(text: str) -> None:
    """Neither nothing, nor an excuse, nor a claim of success passes the suite's tests."""
    assert label(text) == "wrong"


def test_a_wrong_answer_says_how_it_failed() -> None:
    """What is kept of a wrong answer is the failure, in one line."""
    assert code(ITEM, answered("    return 'x' + 1\n")) == Score(
        "wrong", 'failed: TypeError: can only concatenate str (not "int") to str'
    )


def test_what_the_token_limit_cut_is_unscored_unless_the_program_was_whole() -> None:
    """A closed block and a function followed by another are whole; a body that just ends is not."""
    cut = Outcome.TRUNCATED
    assert label("    if not words:\n        ret", outcome=cut) == "unscored: truncated"
    assert label(BODY, outcome=cut) == "unscored: truncated"
    assert label(f"```python\n{WHOLE}", outcome=cut) == "unscored: truncated"
    assert label(f"```python\n{WHOLE}```\nAs you can s", outcome=cut) == "right"
    assert label(f"{BODY}\n\ndef other(", outcome=cut) == "right"


def test_an_empty_answer_and_an_item_without_tests_are_unscored() -> None:
    """Nothing said is no wrong program, and nothing can be marked without tests."""
    assert label(" \n") == "unscored: empty"
    assert label(WHOLE, Item("x", "q", data={"entry_point": "widest"})) == "unscored: the item has no tests"
    assert label(WHOLE, Item("x", "q", data={"test": TEST, "entry_point": "widest); import os; (x"})).startswith(
        "unscored"
    )


def test_statements_as_tests() -> None:
    """The shape of MBPP: a list of asserts, names as the model chose them, also those of builtins, also classes."""
    plain = Item("own/1", "q", data={"tests": ["assert sum(10, 15) == 6", "assert sum(8, 12) == 7"]})
    divisors = (
        "def sum(a, b):\n    t = 0\n    for i in range(1, min(a, b) + 1):\n"
        "        if a % i == 0 and b % i == 0:\n            t += i\n    return t\n"
    )
    assert label(f"[BEGIN]\n{divisors}[DONE]\n\nYou are", plain) == "right"
    assert label("def sum(a, b): return 0", plain) == "wrong"
    tree = Item(
        "own/2", "q",
        data={
            "test_setup_code": "root = Node(1)\r\nroot.left = Node(2)",
            "test_list": ["assert depth(root) == 2", "assert set([depth(None)]) == set([0])"],
        },
    )  # fmt: skip
    answer = (
        "```python\nclass Node:\n    def __init__(self, v):\n        self.v, self.left, self.right = v, None, None\n\n"
        "def depth(n):\n    return 0 if n is None else 1 + max(depth(n.left), depth(n.right))\n```"
    )
    assert label(answer, tree) == "right"
    assert label(answer.replace("1 + max", "2 + max"), tree) == "wrong"


def test_helpers_of_the_prompt_are_the_suites_own() -> None:
    """Tests that use a function of the prompt use the suite's, whatever the answer calls by that name."""
    prompt = "def twist(s):\n    return s[::-1]\n\n\ndef untwist(s):\n    '''Undo twist.'''\n"
    test = "def check(candidate):\n    assert candidate(twist('abc')) == 'abc'\n"
    item = Item("own/3", prompt, data={"prompt": prompt, "test": test, "entry_point": "untwist"})
    assert label("    return twist(s)\n", item) == "right"
    assert label("```python\ndef twist(s): return 'abc'\ndef untwist(s): return s\n```", item) == "wrong"


def test_an_answer_that_the_sandbox_cannot_decide_is_unscored() -> None:
    """Two objects of the answer's own class are compared by nobody that can be believed."""
    item = Item("own/4", "q", data={"tests": ["assert Point(1) == Point(1)"]})
    assert label(
        "class Point:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return True\n", item
    ) == ("unscored: the sandbox cannot decide: the tests compare two objects of the class Point")


UNCALLED = {
    "a blank before the bracket": "def check (candidate):\n    assert candidate(['a', 'bcd']) == 3\n",
    "unittest": "import unittest\nclass T(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(widest(['a', 'bcd']), 3)\n",
    "pytest": "def test_it():\n    assert widest(['a', 'bcd']) == 3\n",
}


@pytest.mark.parametrize("form", UNCALLED)
def test_tests_that_nobody_calls_are_called(form: str) -> None:
    """An item that only defines its tests marks right and wrong like one that calls them."""
    item = Item("own/5", PROMPT, data={"prompt": PROMPT, "test": UNCALLED[form], "entry_point": "widest"})
    assert label(WHOLE, item) == "right"
    assert label(WRONG, item) == "wrong"


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("# nothing", "the item's tests call nothing"),
        ("def helper(): assert widest([]) == 0", "the item's tests call nothing"),
        ("assert widest([]) ==", "the item's tests cannot run: SyntaxError"),
        ("import nowhere_at_all\nassert widest([]) == 0", "the item's tests cannot run: ModuleNotFoundError"),
        ("def test_it(fixture): assert widest([]) == 0", "the item's tests leave test_it uncalled"),
    ],
)
def test_the_faults_of_an_item_are_not_the_models(tests: str, reason: str) -> None:
    """Whatever the program, tests that cannot judge it leave it unscored."""
    item = Item("own/6", "q", data={"tests": [tests]})
    assert label(WHOLE, item).startswith(f"unscored: {reason}")
    assert label(WRONG, item).startswith(f"unscored: {reason}")


def test_a_preamble_that_is_no_python_is_the_items_fault() -> None:
    """A prompt with an error in it condemns no program."""
    item = Item("own/7", "q", data={"prompt": "def (:\n", "test": TEST, "entry_point": "widest"})
    assert label(f"```python\n{WHOLE}```", item).startswith("unscored: the item's tests cannot run: SyntaxError")


def test_numpy_goes_where_numpy_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that imports NumPy is no wrong answer where no sandbox has it."""
    asked: list[frozenset[str]] = []

    def none(needs: frozenset[str], _progress: object = None) -> None:
        asked.append(needs)
        raise SandboxUnavailable("none here")

    monkeypatch.setattr(scorer, "_sandbox", none)
    mark = code(ITEM, answered("```python\nimport numpy as np\ndef widest(words): return 0\n```"))
    assert mark == Unscored("no sandbox here has numpy")
    assert asked == [frozenset({"numpy"})]
    with pytest.raises(SandboxUnavailable):
        code(ITEM, answered(BODY))
    with pytest.raises(SandboxUnavailable):
        ready([ITEM])


@pytest.mark.parametrize(
    "text", ["`" * 5000, "```\n" * 20000, "def " * 50000, " " * 300_000, "\x00\ud800```", "(" * 100_000]
)
def test_hostile_text_is_read_in_bounded_time(text: str) -> None:
    """Reading an answer takes no longer for a text that is built against it, and raises nothing."""
    assert isinstance(read_program(text, PROMPT, ("widest",)).programs, tuple)
