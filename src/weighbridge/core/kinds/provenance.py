"""Where a copy says it comes from, and the texts that a bill of materials carries."""

from __future__ import annotations

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["LicenceTextBody", "ProvenanceV1", "SignatureBody", "TemplateBody"]

_SHA256 = "^[0-9a-f]{64}$"


class TemplateBody(Body):
    """One chat template: it decides what the model reads, and lies in no weight."""

    place: str = Field(description="The file that holds it")
    name: str = Field(description="Its name there; `default` where it has none")
    characters: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256, description="Of the template's text in UTF-8, not of the file")


class LicenceTextBody(Body):
    """A licence or notice that lies with the model; `text` is None where it is too long or no text."""

    place: str
    text: str | None = None


class SignatureBody(Body):
    """A signature that lies with the model. Nobody has verified it: that needs a key that you trust."""

    place: str
    signs: str = Field(description="Type of what it signs, as it says itself")
    signer: str | None = Field(
        default=None, description="Who signed, as it says itself: a key, certificate or Sigstore"
    )
    files: int | None = Field(default=None, ge=0, description="Files that it lists; None where it cannot be read")


class ProvenanceV1(Body):
    """Origin, data sets, task, chat templates, licence texts and signatures, as the files have them; none is proven."""

    hub: str | None = Field(default=None, description="Hub that the copy came from, where something tells")
    repository: str | None = None
    commit: str | None = Field(default=None, description="Commit on that hub; None where nothing tells, or several do")
    task: str | None = Field(default=None, description="`pipeline_tag` of the model card")
    datasets: list[str] = Field(default_factory=list, description="Data sets that the model card declares")
    templates: list[TemplateBody] = Field(default_factory=list)
    licence_texts: list[LicenceTextBody] = Field(default_factory=list)
    signatures: list[SignatureBody] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
