"""Measure licence identification: right names on disguised texts, wrong names on altered ones, time a text.

    python bench/licence_identify.py [--every N] [--show] [TEST_FOLDER]

Over every Nth text of the base: disguises that leave the terms alone (the name must hold), changes of terms (the name
must go), and each licence left out of the base (no other may take its place). TEST_FOLDER is `shared/data/licences`.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.base import Base, load_base
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.identity import Identity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

NAMED = (Verdict.IS, Verdict.REVISION)
FEWEST_WORDS = 60
CHINESE = {"definitions": "定义", "license": "许可", "disclaimer": "免责声明", "termination": "终止", "general": "一般"}


def rewrap(text: str, dice: random.Random) -> str:
    """Wrap paragraphs at another width."""
    width = dice.choice([40, 60, 100, 160])
    out = []
    for paragraph in re.split(r"\n\s*\n", text):
        line, lines = "", []
        for word in paragraph.split():
            if len(line) + len(word) > width:
                lines.append(line)
                line = ""
            line += f" {word}" if line else word
        out.append("\n".join([*lines, line]))
    return "\n\n".join(out)


def one_line(text: str, _: random.Random) -> str:
    """Put all on one line."""
    return " ".join(text.split())


def html_page(text: str, _: random.Random) -> str:
    """Make a page of it, with navigation around."""
    body = "".join(f"<p>{escape(part)}</p>\n" for part in re.split(r"\n\s*\n", text))
    return (
        "<!doctype html><html><head><title>Licence</title><style>p{margin:0}</style></head><body><nav>Home | Models"
        f" | Pricing</nav><main>{body}</main><footer>(c) hub</footer><script>var a=1;</script></body></html>"
    )


def quoted(text: str, _: random.Random) -> str:
    """Make comment lines of it."""
    return "\n".join(f" * {line}" for line in text.split("\n"))


def fenced(text: str, _: random.Random) -> str:
    """Put a heading and a code fence around it, as vendors' pages do."""
    return f"---\ntitle: licence of model-7b\n---\n## Licence du modèle model:7b\n\n```\n{text}\n```\n"


def numbered_lines(text: str, _: random.Random) -> str:
    """Write a number before each line."""
    return "\n".join(f"{at:4d} {line}" for at, line in enumerate(text.split("\n"), 1))


def typographic(text: str, _: random.Random) -> str:
    """Use other quotes, dashes and spaces."""
    return text.replace('"', "\u201d").replace("'", "\u2019").replace("-", "\u2011").replace("  ", "\u00a0 ")


def recognised(text: str, dice: random.Random) -> str:
    """Make 2% of words wrong, as character recognition does."""
    swaps = (("l", "1"), ("rn", "m"), ("e", "c"), ("o", "0"), ("i", "l"), ("h", "b"))

    def slip(found: re.Match[str]) -> str:
        word = found.group()
        able = [(a, b) for a, b in swaps if a in word]
        if dice.random() > 0.02 or not able:
            return word
        return word.replace(*dice.choice(able), 1)

    return re.sub(r"(?<![\w/.@-])[a-z]{5,}(?![\w/@-])", slip, text)


def hyphenated(text: str, dice: random.Random) -> str:
    """Break long words over lines."""
    return re.sub(r"\b([a-z]{4,6})([a-z]{4,})\b", lambda m: f"{m[1]}-\n{m[2]}" if dice.random() < 0.05 else m[0], text)


def shouted(text: str, _: random.Random) -> str:
    """Write all in capitals."""
    return text.upper()


def translated_headings(text: str, _: random.Random) -> str:
    """Put Chinese for plain headings."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        bare = re.sub(r"[^a-z]", "", line.lower())
        if bare in CHINESE and (at == 0 or not lines[at - 1].strip() or line.strip()[0].isdigit()):
            lines[at] = re.sub(r"[A-Za-z].*[A-Za-z]", CHINESE[bare], line)
    return "\n".join(lines)


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "re-wrapped": rewrap,
    "one line": one_line,
    "HTML page": html_page,
    "comment signs": quoted,
    "heading and fence": fenced,
    "line numbers": numbered_lines,
    "quotes, dashes": typographic,
    "OCR, 2% of words": recognised,
    "hyphenated": hyphenated,
    "capitals": shouted,
    "translated headings": translated_headings,
}


def one_of(pattern: str, text: str, dice: random.Random) -> re.Match[str] | None:
    """Return one of the places where a pattern stands."""
    found = list(re.finditer(pattern, text))
    return dice.choice(found) if found else None


def replace(found: re.Match[str] | None, text: str, by: str) -> str | None:
    """Put words for a match; None where there was none."""
    return None if found is None else text[: found.start()] + by + text[found.end() :]


def swap_number(text: str, dice: random.Random) -> str | None:
    """Change a number of a term."""
    units = r"(?: \(\d+\))?(?= (?:million|billion|days|months|years|percent|%|USD|US dollars))"
    found = one_of(r"\b(?:\d+|thirty|sixty|ninety|fifty|ten|two|three)" + units, text, dice)
    return replace(found, text, "7")


def swap_territory(text: str, dice: random.Random) -> str | None:
    """Put another country."""
    names = r"California|Singapore|European Union|United Kingdom|South Korea|China|England|New York|Korea|Ireland"
    return replace(one_of(rf"(?<!University of )\b(?:{names})\b(?!, USA)", text, dice), text, "Brazil")


def drop_negation(text: str, dice: random.Random) -> str | None:
    """Take a negation out."""
    return replace(one_of(r"\b(?:not|no|nor|without|NOT|NO)\b ?|\bnon-", text, dice), text, "")


def add_negation(text: str, dice: random.Random) -> str | None:
    """Put a negation in."""
    return replace(
        one_of(r"(?<=\b(?:may|You|you)) (?=[a-z]{3})|(?<=\b(?:must|will)) (?=[a-z]{3})", text, dice), text, " not "
    )


def swap_modal(text: str, dice: random.Random) -> str | None:
    """Put one duty for another."""
    found = one_of(r"\b(?:must|may|shall)\b(?! not)", text, dice)
    return replace(found, text, {"must": "may", "may": "must", "shall": "may"}[found.group()]) if found else None


def drop_sentence(text: str, dice: random.Random) -> str | None:
    """Leave a sentence out."""
    found = one_of(r"(?<=[.;] )[A-Z][^.;]{40,400}[.;] |(?<=\n\n)[^\n#][^.]{60,600}\.\s", text, dice)
    return replace(found, text, "")


def add_rider(text: str, dice: random.Random) -> str:
    """Add a duty before, after or inside."""
    rider = dice.choice(
        [
            "The Software may not be used by any military organisation or for the development of weapons.",
            "You shall prominently display the name of the model on the user interface of your product.",
            "Use for any commercial purpose requires a separate licence from the licensor.",
            "This licence does not apply in the European Union.",
            "The Software shall be used for Good, not Evil.",
            "本模型不得用于商业用途。",
        ]
    )
    parts = re.split(r"\n\s*\n", text.strip())
    parts.insert(dice.choice([0, len(parts) // 2, len(parts)]), rider)
    return "\n\n".join(parts)


def swap_commercial(text: str, dice: random.Random) -> str | None:
    """Turn what may be done commercially."""
    found = one_of(r"\b[Nn]on-?[Cc]ommercial\b|\b[Cc]ommercial\b", text, dice)
    return replace(found, text, "commercial" if found and found.group().lower().startswith("non") else "non-commercial")


CHANGES: dict[str, Callable[[str, random.Random], str | None]] = {
    "number": swap_number,
    "territory": swap_territory,
    "negation removed": drop_negation,
    "negation added": add_negation,
    "must, may, shall": swap_modal,
    "commercial": swap_commercial,
    "sentence left out": drop_sentence,
    "rider": add_rider,
}


@dataclass
class Tally:
    """How often each row of the table came out right."""

    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def add(self, row: str, *, is_right: bool, about: str) -> None:
        """Count one text."""
        self.asked[row] += 1
        self.right[row] += is_right
        if not is_right:
            self.shown.append(f"{row}: {about}")

    def write(self) -> None:
        """Print the table."""
        for row, asked in self.asked.items():
            print(f"{row:28} {self.right[row]:5} of {asked:5}  {100 * self.right[row] / asked:6.2f}%")


def files_plainly(identity: Identity) -> bool:
    """Whether a reader would file the text under a plain name."""
    return identity.licence_id is not None and identity.verdict in NAMED


def about(key: str, found: Identity) -> str:
    """Write what came out of a text on one line."""
    words = "; ".join(f"{one.kind}: {one.text[:60]!r} / {one.reference[:60]!r}" for one in found.material[:3])
    return f"{key} -> {found.verdict} {found.licence_id} near {found.nearest} [{words}]"


def measure(base: Base, every: int) -> Tally:
    """Run disguises, changes and leave-one-out over every Nth text."""
    tally = Tally()
    dice = random.Random(20261122)  # noqa: S311 - a repeatable shuffle, no secret
    keys = [key for key in sorted(base.references) if not base.references[key].is_hashed]
    for key in keys[::every]:
        reference = base.references[key]
        text = reference.read()
        if len(text.split()) < FEWEST_WORDS:
            continue
        for name, disguise in DISGUISES.items():
            found = identify(disguise(text, dice), base)
            is_right = found.licence_id == reference.licence_id and files_plainly(found)
            tally.add(name, is_right=is_right, about=about(key, found))
        for name, change in CHANGES.items():
            changed = change(text, dice)
            if changed is not None and changed != text:
                found = identify(changed, base)
                is_own = files_plainly(found) and found.licence_id == reference.licence_id
                tally.add(f"changed: {name}", is_right=not is_own, about=about(key, found))
                became = files_plainly(found) and not is_own
                tally.add("changed, named as another", is_right=not became, about=about(key, found))
        found = identify(text, base.without(reference.licence_id))
        tally.add("left out of the base", is_right=not files_plainly(found), about=about(key, found))
    return tally


def read_folder(folder: Path) -> None:
    """Print how the collected texts come out against their answers."""
    took, right, wrong = [], 0, []
    with (folder / "index.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        text = (folder / f"{row['id']}.txt").read_text("utf-8")
        start = time.perf_counter()
        found = identify(text)
        took.append(time.perf_counter() - start)
        answer = row["licence_id"]
        kind, _, pointed = answer.rpartition(":")
        if "(altered)" in answer:
            is_right = found.licence_id is None and found.nearest == answer.split()[0]
        elif kind:
            is_right = found.verdict is Verdict.POINTER and found.licence_id in (None, pointed)
        else:
            is_right = found.licence_id == answer
        right += is_right
        if not is_right:
            wrong.append(f"{row['id']}: {found.verdict} {found.licence_id}")
    mean, most = 1000 * sum(took) / len(took), 1000 * max(took)
    print(f"{folder}: {right} of {len(rows)} right; {mean:.1f} ms a text, at most {most:.0f}")
    print("\n".join(wrong))


def main() -> None:
    """Print the tables."""
    reader = argparse.ArgumentParser()
    reader.add_argument("folder", nargs="?", type=Path)
    reader.add_argument("--every", type=int, default=1)
    reader.add_argument("--show", action="store_true")
    asked = reader.parse_args()
    start = time.perf_counter()
    base = load_base()
    took = time.perf_counter() - start
    print(f"base of {len(base.references)} texts, {len(base.licences)} licences, read in {took:.2f} s")
    if asked.folder:
        read_folder(asked.folder)
    tally = measure(base, asked.every)
    tally.write()
    if asked.show:
        print("\n".join(tally.shown), file=sys.stderr)


if __name__ == "__main__":
    main()
