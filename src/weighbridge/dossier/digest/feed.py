"""Feeds: Atom (RFC 4287) and RSS 2.0, with an entry for each item of a digest."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from weighbridge.dossier.visible import cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from weighbridge.dossier.digest.wording import ItemLines
    from weighbridge.dossier.locale import Locale
    from weighbridge.watch.digest.item import Digest, Item

__all__ = ["atom", "rss"]

_ATOM = "http://www.w3.org/2005/Atom"
_OURS = "https://weighbridge.dev/watch/"
# what XML 1.0 does not allow at all, however it is written
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_LONGEST = 4000


def atom(digest: Digest, told: Sequence[ItemLines], t: Locale) -> bytes:
    """Return the digest as an Atom feed; the same items give the same entry ids, whoever makes it."""
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": t.language})
    _add(feed, "title", t("digest.feed"))
    _add(feed, "id", _urn("feed"))
    _add(feed, "updated", _stamp(_newest(digest)))
    _add(ET.SubElement(feed, "author"), "name", "Weighbridge")
    for item, lines in zip(digest.items, told, strict=True):
        entry = ET.SubElement(feed, "entry")
        _add(entry, "title", _title(lines))
        _add(entry, "id", _urn(item.id))
        _add(entry, "updated", _stamp(item.seen_at))
        _add(entry, "published", _stamp(item.seen_at))
        if address := _address(item):
            ET.SubElement(entry, "link", {"rel": "alternate", "href": address})
        ET.SubElement(entry, "category", {"term": item.severity, "label": lines.severity_word})
        ET.SubElement(entry, "category", {"term": item.kind})
        summary = _add(entry, "content", _body(lines, t))
        summary.set("type", "text")
    return _written(feed)


def rss(digest: Digest, told: Sequence[ItemLines], t: Locale) -> bytes:
    """Return the digest as RSS 2.0."""
    root = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", t("digest.feed"))
    _add(channel, "link", _OURS)
    _add(channel, "description", t("digest.title"))
    _add(channel, "language", t.language)
    _add(channel, "lastBuildDate", format_datetime(_newest(digest).astimezone(UTC)))
    for item, lines in zip(digest.items, told, strict=True):
        entry = ET.SubElement(channel, "item")
        _add(entry, "title", _title(lines))
        if address := _address(item):
            _add(entry, "link", address)
        _add(entry, "guid", _urn(item.id)).set("isPermaLink", "false")
        _add(entry, "pubDate", format_datetime(item.seen_at.astimezone(UTC)))
        _add(entry, "category", item.severity)
        _add(entry, "description", _body(lines, t))
    return _written(root)


def _body(lines: ItemLines, t: Locale) -> str:
    colon = t("figure.colon")
    parts = [
        *lines.changed, *lines.why, f"{t('digest.next')}{colon}{lines.next}", *lines.commands,
        f"{t('digest.who')}{colon}{lines.who}", *lines.concerns, lines.dates, lines.known,
    ]  # fmt: skip
    return "\n".join(parts)


def _title(lines: ItemLines) -> str:
    return f"[{lines.severity_word}] {lines.title}"


def _address(item: Item) -> str:
    """Return the page of the repository on its hub; only names of the usual letters make an address."""
    hub, _, repository = item.subject.partition(":")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
        return ""
    return f"https://modelscope.cn/models/{repository}" if hub == "ms" else f"https://huggingface.co/{repository}"


def _add(parent: ET.Element, name: str, text: str) -> ET.Element:
    """Add an element with text that XML can carry: a name may hold anything."""
    child = ET.SubElement(parent, name)
    child.text = _FORBIDDEN.sub("\ufffd", cut(text, _LONGEST))
    return child


def _written(root: ET.Element) -> bytes:
    ET.indent(root)
    text = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return bytes(text) + b"\n"


def _newest(digest: Digest) -> datetime:
    return max((item.seen_at for item in digest.items), default=digest.until)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _urn(name: str) -> str:
    """Return an id that needs nobody's server to be unique."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, _OURS + name)}"
