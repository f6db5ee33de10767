"""Evidence: an immutable statement about a subject that is named by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of

__all__ = ["OURS", "Evidence", "Producer", "recipe_of"]

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATES = "https://weighbridge.dev/evidence/"


@dataclass(frozen=True, slots=True)
class Producer:
    """Who made a statement: a program and its version."""

    name: str
    version: str


OURS = Producer("weighbridge", __version__)


@dataclass(frozen=True)
class Evidence:
    """One immutable statement about one subject.

    `body` is defined by `kind` (see `weighbridge.core.kinds`), `inputs` are the digests of what else it
    was made from (suite, engine, other evidence), `made_on` is the day of the observation, of the oldest
    one where it rests on several.
    """

    subject: str
    kind: str
    body: dict[str, Any]
    inputs: tuple[str, ...]
    producer: Producer
    made_on: date

    @cached_property
    def recipe(self) -> str:
        """Digest of everything but body and date: equal recipes are the same work."""
        return recipe_of(self.subject, self.kind, self.inputs, self.producer)

    @cached_property
    def id(self) -> str:
        """Digest of all of it: what a decision cites."""
        return digest_of(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the statement as JSON values."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "body": self.body,
            "inputs": list(self.inputs),
            "producer": {"name": self.producer.name, "version": self.producer.version},
            "made_on": self.made_on.isoformat(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Evidence:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError where it did not."""
        producer = value["producer"]
        return cls(
            subject=str(value["subject"]),
            kind=str(value["kind"]),
            body=dict(value["body"]),
            inputs=tuple(str(digest) for digest in value["inputs"]),
            producer=Producer(str(producer["name"]), str(producer["version"])),
            made_on=date.fromisoformat(value["made_on"]),
        )

    def statement(self) -> dict[str, Any]:
        """Return the same statement in the shape of an in-toto Statement v1, one to one."""
        return {
            "_type": _STATEMENT,
            "subject": [{"name": "artefact", "digest": {"sha256": self.subject.removeprefix("sha256:")}}],
            "predicateType": _PREDICATES + self.kind,
            "predicate": {
                "body": self.body,
                "inputs": list(self.inputs),
                "producer": {"name": self.producer.name, "version": self.producer.version},
                "madeOn": self.made_on.isoformat(),
            },
        }

    @classmethod
    def from_statement(cls, value: dict[str, Any]) -> Evidence:
        """Read what `statement` gave; raises KeyError, TypeError or ValueError where it did not."""
        (subject,) = value["subject"]
        kind = str(value["predicateType"])
        if value["_type"] != _STATEMENT or not kind.startswith(_PREDICATES):
            raise ValueError(f"no statement of evidence: {kind}")
        predicate = value["predicate"]
        return cls.from_json(
            {
                **{name: predicate[name] for name in ("body", "inputs", "producer")},
                "subject": f"sha256:{subject['digest']['sha256']}",
                "kind": kind.removeprefix(_PREDICATES),
                "made_on": predicate["madeOn"],
            }
        )


def recipe_of(subject: str, kind: str, inputs: tuple[str, ...], producer: Producer) -> str:
    """Return the recipe that evidence made this way will have: asked for before any work is done."""
    return digest_of(
        {
            "subject": subject,
            "kind": kind,
            "inputs": list(inputs),
            "producer": {"name": producer.name, "version": producer.version},
        }
    )
