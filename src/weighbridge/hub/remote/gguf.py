"""Read the header of a remote GGUF file by ranges, piece after piece, until its tensor table is whole.

The table stands behind the vocabulary, and nothing says beforehand how long that is: 2 to 12 MB in today's models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.shadow import WeightFile
from weighbridge.errors import DamagedFile
from weighbridge.formats.gguf import read_gguf
from weighbridge.hub.remote.host import fetch_part

if TYPE_CHECKING:
    from weighbridge.hub.remote.host import Host
    from weighbridge.hub.remote.listing import Listing, RemoteFile
    from weighbridge.hub.remote.place import ShadowFolder

__all__ = ["MOST_BYTES", "read_gguf_header"]

MOST_BYTES = 32 << 20  # of one header; the one case in which more than the budget is read
_PIECES = (256 << 10, 1 << 20, 2 << 20)
_MAGIC = b"GGUF"


def read_gguf_header(
    host: Host, listing: Listing, folder: ShadowFolder, file: RemoteFile, most: int = MOST_BYTES
) -> WeightFile:
    """Read the header and keep a stand-in; a file that is damaged for its reader gets one, too, to be judged by it."""
    data, near = bytearray(folder.head(file.name, file.size, len(_MAGIC))), ""
    if data == _MAGIC:  # stand-ins are kept when they are whole
        return WeightFile(file.name, file.size, None, is_table_read=True)
    data.clear()
    is_read, most = False, min(most, file.size)
    while not is_read and len(data) < most:
        piece = _PIECES[min(len(data) // _PIECES[1] + bool(data), len(_PIECES) - 1)]
        answer = fetch_part(host, listing, file, len(data), min(piece, most - len(data)), near=near)
        data += answer.body
        near = answer.url
        is_read = _can_be_read(folder, data) or not data.startswith(_MAGIC)
    is_judged = is_read or len(data) == file.size
    if is_judged:
        folder.write_stand_in(file.name, bytes(data), file.size)
    return WeightFile(file.name, file.size, None, is_table_read=is_judged)


def _can_be_read(folder: ShadowFolder, data: bytearray) -> bool:
    """Whether the header ends within these bytes."""
    with folder.scratch(bytes(data)) as path:
        try:
            read_gguf(path)
        except DamagedFile as error:
            # a reader that wants bytes beyond the end names that end; anything else more bytes will not heal
            return f"ends at byte {len(data)}," not in error.message
    return True
