"""How fast the detector of behaviour is on one core, where the time goes, and how well it tells nonsense.

    python bench/detector_speed.py --data ../shared/data/evals [--json]

Speed: every labelled answer (XSTest completions, K-OverRefusal, Taiwan, deccp) is judged once, in processor time of
this process; then each part alone. Hostile: 10 MB of one piece of text, judged once.
Nonsense: `behaviour_answers_nonsense.jsonl` holds 238 answers of SmolLM2-135M-Instruct and
Qwen2.5-Coder-0.5B-Instruct (both Apache-2.0; llama.cpp, at most 90 tokens, temperature 0 or 0.7) to plain questions of
our own in six languages. One AI reader labelled them before the rules met them. The rules were written on the part
`tuning`, their thresholds set again after `second` was seen; `kept` (16 answers of SmolLM2) was asked last and changed
one thing: how much of a last copy may be cut.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.detector.flags import answer_flags
from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.nonsense import find_nonsense
from weighbridge.evaluation.detector.prose import read_prose, visible_text
from weighbridge.evaluation.detector.tongue import read_tongue
from weighbridge.statistics.interval import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


Row = tuple[str, str, str]  # question, answer, language asked in
PARTS: dict[str, Callable[[str, str, str], object]] = {
    "visible_text": lambda _question, answer, _language: visible_text(answer),
    "read_tongue": lambda _question, answer, _language: read_tongue(visible_text(answer)),
    "read_prose": lambda _question, answer, _language: read_prose(visible_text(answer)),
    "find_nonsense": lambda question, answer, language: find_nonsense(question, visible_text(answer), language),
    "answer_flags": lambda question, answer, language: answer_flags(question, answer, language=language),
    "judge_answer": judge_answer,
}
PIECES = ("a", "\n", "<think>", "I cannot ", "漢", "\u200b", "“", "<a ")
MEGABYTES = 10


def labelled(data: Path) -> Iterator[Row]:
    """Yield all labelled answers."""
    for path in sorted((data / "labelled/xstest-completions").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            yield from ((row["prompt"], row["completion"], "en") for row in csv.DictReader(lines))
    for name, language in (
        ("k-overrefusal-ko", "ko"),
        ("taiwan-zh-tw-13-models", "zh-Hant"),
        ("deccp-qwen2-7b-en", "en"),
    ):
        for line in (data / f"labelled/{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["prompt"], row["completion"], language


def speed(rows: list[Row]) -> dict[str, float]:
    """Return milliseconds an answer of each part, and answers a minute of the whole."""
    for row in rows[:20]:
        judge_answer(*row)  # tables are read and patterns compiled once
    spent = {}
    for name, part in PARTS.items():
        began = time.process_time()
        for row in rows:
            part(*row)
        spent[name] = time.process_time() - began
    found = {f"{name}_ms": round(1e3 * total / len(rows), 3) for name, total in spent.items()}
    return found | {"answers_a_minute": round(60 * len(rows) / spent["judge_answer"])}


def hostile() -> dict[str, float]:
    """Return the seconds that 10 MB of each piece take."""
    found = {}
    for piece in PIECES:
        text = (piece * (MEGABYTES * 1_000_000 // len(piece) + 1))[: MEGABYTES * 1_000_000]
        began = time.process_time()
        judge_answer("Why?", text)
        found[repr(piece)] = round(time.process_time() - began, 3)
    return found


def nonsense() -> dict[str, Any]:
    """Return how many are told rightly as nonsense or not: [share, low, high, n] by part, temperature and model."""
    path = Path(__file__).with_name("behaviour_answers_nonsense.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = [
        (judge_answer(row["question"], row["answer"], row["language"]).behaviour == "nonsense")
        == (row["label"] == "nonsense")
        for row in rows
    ]
    groups: dict[str, list[bool]] = {}
    for row, right in zip(rows, told, strict=True):
        for key in ("", f" T={row['temperature']}", f" {row['model']}", f" {row['language']}"):
            groups.setdefault(row["part"] + key, []).append(right)
    return {name: _share(rights) for name, rights in sorted(groups.items())}


def _share(rights: list[bool]) -> list[float]:
    low, high = wilson(sum(rights), len(rights))
    return [round(sum(rights) / len(rights), 3), round(low, 3), round(high, 3), len(rights)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = list(labelled(arguments.data))
    figures = {"answers": len(rows), "speed": speed(rows), "hostile_s": hostile(), "nonsense": nonsense()}
    print(json.dumps(figures, indent=None if arguments.json else 2, ensure_ascii=False))


if __name__ == "__main__":
    main()
