"""Nouns: digests, references, artefacts and evidence are what they say, whatever wrote them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.artefact import FileEntry, digest_of_files
from weighbridge.core.digest import canonical, digest_of, short
from weighbridge.core.evidence import Evidence, Producer, recipe_of
from weighbridge.core.kinds import KINDS, schema_of
from weighbridge.core.reference import Reference
from weighbridge.errors import BadReference

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc\u00e9\u4e2d", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.dictionaries(st.text("abc", min_size=1, max_size=3), json_values, max_size=4)
statements = st.builds(
    Evidence,
    subject=st.just("sha256:" + "a" * 64),
    kind=st.sampled_from(sorted(KINDS)),
    body=bodies,
    inputs=st.lists(st.text("0123456789abcdef", min_size=4, max_size=8), max_size=3).map(tuple),
    producer=st.builds(Producer, st.text("abc", min_size=1), st.text("0.1", min_size=1)),
    made_on=st.dates(),
)


def test_canonical_json_is_that_of_the_standard() -> None:
    """The example of RFC 8785, section 3.2.2 and 3.2.3, gives the bytes printed there."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


@given(json_values)
def test_a_digest_does_not_depend_on_who_wrote_the_json(value: object) -> None:
    """Reordered and re-indented JSON has the same digest, and the digest is SHA-256 of the canonical bytes."""
    again = json.loads(json.dumps(value, indent=3, sort_keys=True))
    assert digest_of(again) == digest_of(value)  # type: ignore[arg-type]
    assert digest_of(again) == "sha256:" + hashlib.sha256(canonical(again)).hexdigest()


def test_the_artefacts_digest_is_that_of_the_sorted_list() -> None:
    """The order of the files does not matter; a name, a size or a byte does."""
    one, two = FileEntry("a", 1, "0" * 64), FileEntry("b/c", 2, "1" * 64)
    assert digest_of_files([two, one]) == digest_of_files([one, two])
    for other in (replace(one, name="A"), replace(one, size=2), replace(one, sha256="2" * 64)):
        assert digest_of_files([other, two]) != digest_of_files([one, two])


@given(statements)
def test_evidence_survives_json(statement: Evidence) -> None:
    """Written and read again it is the same statement with the same id."""
    again = Evidence.from_json(json.loads(json.dumps(statement.to_json())))
    assert again == statement
    assert again.id == statement.id


@given(statements, bodies, st.dates())
def test_a_recipe_says_nothing_of_the_result(statement: Evidence, body: dict[str, object], day: date) -> None:
    """Body and date change the id and never the recipe, which is known before the work."""
    other = replace(statement, body=body, made_on=day)
    assert other.recipe == statement.recipe
    assert statement.recipe == recipe_of(statement.subject, statement.kind, statement.inputs, statement.producer)
    assert (other.id == statement.id) == (body == statement.body and day == statement.made_on)


def test_evidence_exports_as_an_in_toto_statement() -> None:
    """The required fields of in-toto Statement v1 are there, and the digest is bare hex."""
    statement = Evidence(
        "sha256:" + "a" * 64, "card/v1", {"x": 1}, (), Producer("p", "1"), date(2026, 1, 2)
    ).statement()
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"] == {"sha256": "a" * 64}
    assert statement["predicateType"].endswith("card/v1")
    assert statement["predicate"]["madeOn"] == "2026-01-02"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_publishes_a_valid_schema(kind: str) -> None:
    """The schema is JSON Schema 2020-12 and refuses what the kind does not know."""
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"no-such-field": 1})


def test_short_digests_are_the_first_twelve_digits() -> None:
    """With or without the prefix."""
    assert short("sha256:" + "0123456789abcdef" * 4) == "0123456789ab"


@pytest.mark.parametrize(
    ("text", "kind", "target", "detail"),
    [
        ("demo", "demo", "smollm2-135m", None),
        ("./a.GGUF", "file", "./a.GGUF", None),
        ("./folder", "folder", "./folder", None),
        ("http://127.0.0.1:8000/v1#Qwen/Qwen3-8B", "endpoint", "http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B"),
        ("https://host/v1/#m", "endpoint", "https://host/v1", "m"),
        ("hf:Qwen/Qwen3-8B", "hf", "Qwen/Qwen3-8B", None),
        ("ms:Qwen/Qwen3-8B@master", "ms", "Qwen/Qwen3-8B", "master"),
    ],
)
def test_references_are_read(text: str, kind: str, target: str, detail: str | None) -> None:
    """Each form of the design is understood."""
    reference = Reference.parse(text)
    assert (reference.kind, reference.target, reference.detail) == (kind, target, detail)


@pytest.mark.parametrize(
    ("text", "detail", "part"),
    [
        ("hf:maker/model-GGUF:Q4_K_M", None, "Q4_K_M"),
        ("ms:maker/model-GGUF@v1.0:sub/model-Q8_0.gguf", "v1.0", "sub/model-Q8_0.gguf"),
        ("hf:maker/model-GGUF@main", "main", None),
    ],
)
def test_one_of_several_models_can_be_named(text: str, detail: str | None, part: str | None) -> None:
    """By its quantization or its file, with or without a revision."""
    reference = Reference.parse(text)
    assert (reference.target, reference.detail, reference.part) == ("maker/model-GGUF", detail, part)


@pytest.mark.parametrize("text", ["", " ", "a\0b", "http://host/v1", "http://u:p@host/v1#m", "hf:", "hf:a/b/c", "ms:x"])
def test_what_is_no_reference_is_refused_with_a_hint(text: str) -> None:
    """Every refusal says what to write instead."""
    with pytest.raises(BadReference) as caught:
        Reference.parse(text)
    assert caught.value.hint
