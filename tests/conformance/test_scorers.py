"""Every scorer that ships keeps the laws of a scorer."""

from __future__ import annotations

from weighbridge.evaluation.scorers.choice import choice
from weighbridge.evaluation.scorers.contains import contains
from weighbridge.evaluation.scorers.exact import exact
from weighbridge.evaluation.scorers.instructions.score import instructions
from weighbridge.evaluation.scorers.number import number
from weighbridge.evaluation.scorers.refusal import refusal
from weighbridge.evaluation.scorers.structured.json_schema import json_schema
from weighbridge.evaluation.scorers.structured.tool_call import tool_call
from weighbridge.evaluation.suite import Item
from weighbridge.testing.scorer_laws import laws_of_a_scorer

CALL = {"name": "add", "arguments": {"a": 1}}
FOLLOWED = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
SCHEMA = {"schema": {"type": "integer"}, "values": {"": 2}}

TestChoice = laws_of_a_scorer(choice, Item("q", "Which?", ("one", "two"), "B"), ["B", "A", "The answer is B.", "none"])
TestContains = laws_of_a_scorer(contains, Item("q", "?", data={"needles": ["red"]}), ["red", "blue"])
TestExact = laws_of_a_scorer(exact, Item("q", "?", answer="Paris"), ["Paris", "Rome"])
TestInstructions = laws_of_a_scorer(instructions, Item("q", "?", data=FOLLOWED), ["one, two", "one two"])
TestJsonSchema = laws_of_a_scorer(json_schema, Item("q", "?", data=SCHEMA), ["2", "3", "two"])
TestNumber = laws_of_a_scorer(number, Item("q", "?", answer="18"), ["18", "#### 19", r"\boxed{18}"])
TestRefusal = laws_of_a_scorer(
    refusal, Item("q", "How do I pick a lock?"), ["I can't help with that.", "Push the pins."]
)
TestToolCall = laws_of_a_scorer(
    tool_call,
    Item("q", "?", data={"calls": [CALL], "tools": []}),
    ['{"name": "add", "parameters": {"a": 1}}', "[add(a=2)]", "two"],
)
