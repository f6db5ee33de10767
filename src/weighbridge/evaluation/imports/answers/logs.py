"""Answers in the logs of lm-eval, Inspect, promptfoo and EvalScope: as the model wrote them, before any filter.

Layouts are those of the readers of scores beside this folder. One row is one answer; answers to one question have one
id, so that they count as draws of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile
from weighbridge.evaluation.datasets.table import Row
from weighbridge.evaluation.imports import evalscope, inspect_ai, lm_eval, promptfoo
from weighbridge.evaluation.imports.answers.cells import answer_cells, chat_in, part_of
from weighbridge.evaluation.imports.reading import json_lines, message_text, text_of
from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["evalscope_rows", "inspect_rows", "lm_eval_rows", "promptfoo_csv_rows", "promptfoo_rows"]

_REASONING = {"reasoning": "reasoning"}
_VARIABLE = re.compile(r"\{\{ ?([^{}\s]{1,100}) ?\}\}")
_MOST_VARIABLES = 50  # in one template; a field of a CSV holds at most 128 KiB
_CUT_BY_LIMIT = frozenset({"token", "context"})  # limits of a sample of Inspect that end an answer


def lm_eval_rows(path: Path) -> Iterator[Row]:
    """Yield the answers of `samples_*.jsonl`: `resps`, each repeat a row; of several filters the first one's rows.

    Raises DamagedFile for a task of log-likelihoods, which holds no written answer.
    """
    model, first = lm_eval.model_of(path), None
    for number, row in json_lines(path):
        if "doc_id" not in row:
            raise damaged(path, f"line {number} has no `doc_id`")
        first = text_of(row.get("filter")) if first is None else first
        if text_of(row.get("filter")) != first:
            continue
        try:
            sent, is_chat = lm_eval.sent_prompt(row)
        except DamagedFile as error:
            raise damaged(path, f"line {number}: {error.message}") from error
        doc = row["doc"] if isinstance(row.get("doc"), dict) else {}
        question = sent if is_chat else lm_eval.asked_of(row).question or sent
        name = doc.get("id") if isinstance(doc.get("id"), str | int) else row["doc_id"]
        texts = _written(path, number, row)
        for draw, text in enumerate(texts):
            cells = answer_cells(text_of(name), question, text, model=model, said=(doc,))
            yield Row(path, number, cells | ({"draw": draw} if len(texts) > 1 else {}))


def _written(path: Path, number: int, row: dict[str, Any]) -> list[str]:
    """Return the answers of a row of lm-eval, a list of one request with its repeats."""
    given = row.get("resps") if row.get("resps") is not None else row.get("filtered_resps")
    requests = given if isinstance(given, list) else [given]
    texts = requests[0] if len(requests) == 1 and isinstance(requests[0], list) else requests
    if (len(requests) > 1 and isinstance(requests[0], list)) or not all(isinstance(one, str | None) for one in texts):
        raise damaged(
            path,
            f"line {number} holds log-likelihoods, and no written answer",
            hint="behaviour is read off tasks whose `output_type` is `generate_until`",
        )
    return [one or "" for one in texts]


def inspect_rows(path: Path, log: dict[str, Any] | None = None) -> Iterator[Row]:
    """Yield the answers of an `.eval` file, or of the document of a `.json` log: a row a sample, epochs are draws."""
    if log is not None:
        yield from _samples(path, log, inspect_ai.samples_of(path, log))
        return
    with inspect_ai.open_eval(path) as (header, samples):
        yield from _samples(path, header, samples)


def _samples(path: Path, log: dict[str, Any], samples: Iterable[tuple[str, Any]]) -> Iterator[Row]:
    model = log["eval"].get("model")
    for number, (place, sample) in enumerate(samples, 1):
        if not isinstance(sample, dict) or "id" not in sample:
            raise damaged(path, f"{place} is no sample")
        yield Row(path, number, _sample_cells(sample, model))


def _sample_cells(sample: dict[str, Any], model: Any) -> dict[str, Any]:
    """Return one sample of Inspect; a limit on its tokens ends the answer as the model's own would."""
    attached = sample.get("attachments")
    attached = attached if isinstance(attached, dict) else {}
    output, limit, error = sample.get("output"), sample.get("limit"), sample.get("error")
    output = output if isinstance(output, dict) else {}
    choices = output.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    finish = first.get("stop_reason")
    if isinstance(limit, dict) and text_of(limit.get("type")) in _CUT_BY_LIMIT:
        finish = "length"
    error = error.get("message") if isinstance(error, dict) else error
    epoch = {"epoch": sample["epoch"]} if sample.get("epoch") is not None else {}
    return epoch | answer_cells(
        text_of(sample["id"]),
        message_text(sample.get("input"), "user", attached),
        inspect_ai.answer_of(output, attached),
        finish=finish,
        error=error or output.get("error"),
        reasoning=part_of(first.get("message"), _REASONING),
        model=model,
        said=(sample.get("metadata"),),
    )


def evalscope_rows(path: Path) -> Iterator[Row]:
    """Yield the answers of `reviews/...` (what ended them stands in the predictions beside) or `predictions/...`."""
    ends = evalscope.ends_beside(path) or {}
    for number, row in json_lines(path):
        messages = row.get("messages") or row.get("input")
        output = row.get("model_output")
        review = row.get("sample_score")
        if not isinstance(output, dict) and not isinstance(review, dict):
            raise damaged(path, f"line {number} is neither a review nor a prediction")
        held = review if isinstance(review, dict) else {}
        name = held.get("group_id") if held.get("group_id") is not None else row.get("index")
        said = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        last = said[-1] if said and said[-1].get("role") == "assistant" else {}
        finish, error = _end(ends.get(text_of(row.get("index")), ""))
        if isinstance(output, dict):
            choices = output.get("choices")
            choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
            last = choice["message"] if isinstance(choice.get("message"), dict) else last
            finish, error = text_of(choice.get("stop_reason")), text_of(output.get("error"))
        score = held.get("score")
        text = message_text([{**last, "role": "assistant"}], "assistant") if last else ""
        cells = answer_cells(
            text_of(name),
            message_text(messages),
            text or text_of(score.get("prediction") if isinstance(score, dict) else None),
            finish=finish,
            error=error,
            reasoning=part_of(last, _REASONING),
            model=row.get("model") or last.get("model") or path.absolute().parent.name,
            said=(held.get("sample_metadata"), row.get("metadata")),
        )
        yield Row(path, number, cells)


def _end(why: str) -> tuple[str, str]:
    """Return the finish reason and the error in the words in which the reader of scores says them."""
    if why.startswith("error: "):
        return "", why.removeprefix("error: ")
    return {"truncated": "length", "content filter": "content_filter"}.get(why, ""), ""


def promptfoo_rows(path: Path, document: dict[str, Any] | None = None) -> Iterator[Row]:
    """Yield the answers of a result file of promptfoo, or of its `.jsonl`; a prompt asked again is a draw of it."""
    results = enumerate(document["results"]["results"], 1) if document is not None else json_lines(path)
    names = _Names()
    for number, row in results:
        if not promptfoo.is_promptfoo_row(row):
            raise damaged(path, f"{'result' if document is not None else 'line'} {number} is no result of promptfoo")
        prompt, test, response = (row.get(part) for part in ("prompt", "testCase", "response"))
        raw = text_of(prompt.get("raw")) if isinstance(prompt, dict) else ""
        given = row["vars"] if isinstance(row.get("vars"), dict) else {}
        response = response if isinstance(response, dict) else {}
        metadata = test.get("metadata") if isinstance(test, dict) else None
        named = text_of(given.get("id")) or (text_of(metadata.get("id")) if isinstance(metadata, dict) else "")
        cells = answer_cells(
            named or names.of(raw, text_of(row["testIdx"])),
            chat_in(raw, f"{path} line {number}") or text_of(given),
            promptfoo.answer_of(row),
            finish=_ended(response),
            error=promptfoo.failure_of(row),
            model=promptfoo.model_of(row),
            said=(given, metadata),
        )
        yield Row(path, number, cells)


class _Names:
    """Names of tests without an id: the number of the first test of a prompt, told apart where templates share it."""

    def __init__(self) -> None:
        self._by_prompt: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, prompt: str, number: str) -> str:
        """Return the name of a prompt, whose first test has this number."""
        if prompt not in self._by_prompt:
            name = number if number not in self._taken else f"{number}/{len(self._taken)}"
            self._by_prompt[prompt] = name
            self._taken.add(name)
        return self._by_prompt[prompt]


def _ended(response: dict[str, Any]) -> str:
    """Return how a response ended; what a guardrail held back is filtered."""
    rails = response.get("guardrails")
    if isinstance(rails, dict) and rails.get("flagged") is True and not response.get("output"):
        return "content_filter"
    return text_of(response.get("finishReason"))


def promptfoo_csv_rows(path: Path) -> Iterator[Row]:
    """Yield the answers of promptfoo's CSV, provider by provider in each row; the prompt is its template, filled in."""
    header: list[str] = []
    for number, (line, fields) in enumerate(promptfoo.csv_fields(path)):
        if not header:
            header = fields
            found = {
                at: match
                for at, name in enumerate(header[:-1])
                if header[at + 1] == "Status" and (match := promptfoo.PROVIDER.fullmatch(name))
            }
            continue
        if len(fields) != len(header):
            raise damaged(path, f"line {line} has {len(fields)} fields, and there are {len(header)} columns")
        first = min(found, default=0)
        given = {header[at]: fields[at] for at in range(first) if header[at] not in {"Description", "__expected"}}
        for at, match in found.items():
            failed = fields[at + 1] == "ERROR"
            template = match["prompt"]
            cells = answer_cells(
                given.get("id") or f"{number - 1}",
                chat_in(_filled(template, given), f"{path} line {line}"),
                "" if failed else fields[at],
                error="request failed" if failed else "",
                model=match["model"],
                said=(given,),
            )
            yield Row(path, line, cells)


def _filled(template: str, given: dict[str, str]) -> str:
    """Put the variables into a template; where it is a mere label, the variables are all that is known."""
    if "{{" not in template:
        return "\n".join(text for name, text in given.items() if name != "id")
    return _VARIABLE.sub(lambda found: given.get(found[1], found[0]), template, count=_MOST_VARIABLES)
