"""Write `known.toml`, the digests of published chat templates, from folders of `.jinja` files.

    python bench/known_templates.py "trl 1.16.0 (Apache-2.0)"=trl/chat_templates "axolotl 0.19.0"=templates > known.toml

A folder's note says where its files were published. Templates that are equal are listed once.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from weighbridge.formats.chat_template import parse_template
from weighbridge.inspection.templates.known import pieces_of, sentences_in
from weighbridge.inspection.templates.triggers import literals_of

print("# Digests of published chat templates, written by bench/known_templates.py; no text is kept.\n")
seen: set[str] = set()
for argument in sys.argv[1:]:
    note, _, folder = argument.partition("=")
    for path in sorted(Path(folder).glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        print("[[template]]")
        print(f'name = "{path.stem}"\nsource = "{note}: {path.name}"\nsha256 = "{digest}"')
        print(f'pieces = "{" ".join(sorted({piece.digest for piece in pieces_of(text)}))}"')
        # a sentence may be cut by a value in the middle: digests are of the literals as they stand, and as joined
        literals = literals_of(list(parse_template(text).body))
        print(f'sentences = "{" ".join(sorted(sentences_in([*literals, "".join(literals)])))}"\n')
