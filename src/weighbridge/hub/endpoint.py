"""The endpoint hub: an OpenAI-compatible address, of which only the name can be pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.artefact import Artefact, digest_of_endpoint
from weighbridge.errors import BadReference

if TYPE_CHECKING:
    from weighbridge.core.progress import Progress
    from weighbridge.core.reference import Reference
    from weighbridge.hub.protocol import DigestCache

__all__ = ["EndpointHub"]


class EndpointHub:
    """No files and no network: the digest names the address, not the weights behind it."""

    def resolve(self, reference: Reference, cache: DigestCache | None, progress: Progress) -> Artefact:  # noqa: ARG002 - the shape of Hub
        """Name the model at the address; raises BadReference where there is no name for it."""
        model = reference.detail
        if not model:
            raise BadReference(f"`{reference.text}` does not say which model to ask", hint="add `#model`")
        try:
            digest = digest_of_endpoint(reference.target, model)
        except ValueError as error:
            raise BadReference("the reference is not valid UTF-8", hint="type the model's name again") from error
        return Artefact(reference=reference, name=model, digest=digest)
