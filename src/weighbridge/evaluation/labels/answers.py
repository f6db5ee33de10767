"""Answers that people can label: from a table or from stored evidence, each named by a digest of what is read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.datasets.cell import said
from weighbridge.evaluation.imports.reading import message_text
from weighbridge.evaluation.thinking import answer_part
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.datasets.table import Row
    from weighbridge.store.protocol import Store

__all__ = [
    "NAMES", "UNKNOWN", "Given", "answer_key", "answers_of_evidence", "given_of_row", "keep_answers", "kept",
    "language_tag",
]  # fmt: skip

UNKNOWN = "und"  # BCP 47: undetermined
LONGEST = 20_000  # characters of a question or an answer that people and the detector read
_KINDS = frozenset({"behaviour/v1", "behaviour/v2"})
NAMES = {
    "id": ("id", "item_id", "item", "question_id"),
    "language": ("language", "lang"),
    "question": ("prompt", "question", "input", "query"),
    "answer": ("answer", "completion", "response", "output", "text"),
}
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,4}", re.ASCII)
_SCRIPT, _REGION = 4, 2
_LONGEST_ID = 200
_ASKED_ON = "asked_on"


@dataclass(frozen=True, slots=True)
class Given:
    """An answer to a question that was asked in `language` (BCP 47, UNKNOWN where nobody says).

    `stated` is its key where a statement tells it, whose questions may be cut.
    """

    id: str
    language: str
    question: str
    answer: str
    stated: str = ""

    @property
    def key(self) -> str:
        """What names it, see `answer_key`."""
        return self.stated or answer_key(self.language, self.question, self.answer)


def answer_key(language: str, question: str, answer: str) -> str:
    """Return the digest that names an answer wherever it comes from: of language, question and visible answer.

    Reasoning before the answer, blanks around it, forms of Unicode (NFC) and of line ends make no difference.
    """
    return digest_of({"answer": _plain(_visible(answer)), "language": language_tag(language),
                      "question": _plain(question)})  # fmt: skip


def language_tag(text: str) -> str:
    """Return a language tag in its usual case (`zh-Hans`, `en-US`), UNKNOWN for ""; raises UsageError for no tag."""
    tag = text.strip().replace("_", "-").lower()
    if not tag:
        return UNKNOWN
    if not _TAG.fullmatch(tag):
        raise UsageError(f"{quote(text, 60)} is no language tag", hint="write `en`, `zh-Hans`, `ko` ... (BCP 47)")
    head, *rest = tag.split("-")
    usual = {_SCRIPT: str.title, _REGION: str.upper}
    return "-".join([head, *(usual.get(len(part), str.lower)(part) for part in rest)])


def given_of_row(row: Row) -> Given:
    """Return the answer of one row; raises UsageError where it names no question or no answer."""
    lower = {name.strip().lower(): value for name, value in row.cells.items()}
    cells = {what: next((lower[name] for name in names if name in lower), None) for what, names in NAMES.items()}
    if missing := [what for what in ("question", "answer") if cells[what] is None]:
        raise UsageError(
            f"{row.place} has no {missing[0]}",
            hint="columns that are read: "
            + "; ".join(f"{what} as {', '.join(f'`{n}`' for n in names)}" for what, names in NAMES.items()),
        )
    name = said(cells["id"]).strip()[:_LONGEST_ID] or str(row.number)
    try:
        language = language_tag(said(cells["language"]))
    except UsageError as error:
        raise UsageError(f"{row.place}: {error.message}", hint=error.hint) from error
    question = message_text(cells["question"]) if isinstance(cells["question"], list) else said(cells["question"])
    return Given(name, language, question, said(cells["answer"]))


def answers_of_evidence(evidence: Evidence, store: Store) -> tuple[list[Given], int]:
    """Return the stored answers that `behaviour/v1` or `behaviour/v2` was measured on, and how many show nothing.

    Raises UsageError for evidence of another kind, or whose answers the store does not hold.
    """
    if evidence.kind not in _KINDS:
        raise UsageError(
            f"evidence of kind `{evidence.kind}` holds no behaviours",
            hint="name a `behaviour` statement, as `weighbridge evidence list` shows it",
        )
    items: list[dict[str, Any]] = evidence.body["items"]
    asked_in = str(evidence.body.get("suite", {}).get("language", ""))
    stored = store.completions({item["completion"] for item in items})
    if not stored:
        raise UsageError(
            "the answers of this statement are not in this workspace",
            hint="name the workspace it is of, or the file that the answers were imported from: `--from FILE`",
        )
    found = []
    for item in items:
        body = stored.get(item["completion"])
        if body is None or not item["question"]:
            continue
        completion = Completion.from_json({key: value for key, value in body.items() if key != _ASKED_ON})
        text = answer_part(completion).text
        if completion.outcome is Outcome.ANSWERED and text.strip():
            language = language_tag(item.get("language") or asked_in)
            found.append(Given(item["id"], language, item["question"], text, item.get("key", "")))
    return found, len(items) - len(found)


def keep_answers(answers: Iterable[Given], store: Store) -> None:
    """Put the texts of answers into the store under their keys, cut to what anybody reads."""
    store.add_completions(
        {
            given.key: {
                "outcome": Outcome.ANSWERED.value,
                "language": given.language,
                "question": _plain(given.question)[:LONGEST],
                "text": _plain(_visible(given.answer))[:LONGEST],
            }
            for given in answers
        }
    )


def kept(keys: Iterable[str], store: Store) -> Mapping[str, tuple[str, str]]:
    """Return (question, answer) of the keys whose texts are in the store."""
    found = store.completions(keys).items()
    return {key: (str(body["question"]), str(body["text"])) for key, body in found if "question" in body}


def _visible(answer: str) -> str:
    """Return an answer without the reasoning in front of it."""
    return answer_part(Completion(Outcome.ANSWERED, answer)).text


def _plain(text: str) -> str:
    """Return a text in one form: NFC, one kind of line end, no blanks around it, no half surrogate pairs."""
    whole = text.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()
