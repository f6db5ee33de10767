"""What a hub says of a model that is looked at there."""

from __future__ import annotations

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["HubBaseBody", "HubV1", "ScanIssueBody"]


class HubBaseBody(Body):
    """A base model by the hub's own table."""

    name: str
    relation: str | None = Field(default=None, description="adapter, finetune, merge or quantized; None: not said")


class ScanIssueBody(Body):
    """A file with which the hub's scanners have an issue."""

    file: str
    verdict: str = Field(description="The hub's word: unsafe, suspicious, queued ...; nobody has checked it here")


class HubV1(Body):
    """What the hub says of a revision and its publisher, on its word alone; None: it does not say."""

    hub: str = Field(description="hf or ms")
    repository: str = Field(description="Its present name there")
    commit: str
    licence: str | None = Field(default=None, description="The tag; several stand with commas")
    gated: str | None = Field(default=None, description="auto, manual or yes; None for an open repository")
    is_private: bool = False
    created_at: str | None = Field(default=None, description="When the repository was made (RFC 3339, UTC)")
    base_models: list[HubBaseBody] = Field(default_factory=list)
    is_scanned: bool | None = Field(default=None, description="Whether the hub's scanners are through with all files")
    scan_issues: list[ScanIssueBody] = Field(default_factory=list)
    publisher: str
    is_publisher_verified: bool | None = Field(
        default=None, description="Whether the hub has verified the organisation; None for people, and where not said"
    )
    looks_like: str | None = Field(
        default=None, description="Listed organisation for which the publisher's name could be taken"
    )
    notes: list[str] = Field(default_factory=list)
