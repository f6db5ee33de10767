"""The forms of a digest: feeds by their standards, a page that nothing escapes from, a message, a calendar."""

from __future__ import annotations

import json
import re
import runpy
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from weighbridge.dossier.digest.calendar import calendar
from weighbridge.dossier.digest.document import digest_json, message_json, plan_json
from weighbridge.dossier.digest.feed import atom, rss
from weighbridge.dossier.digest.page import ToldDigest, html, markdown, tell
from weighbridge.dossier.digest.wording import time_text
from weighbridge.dossier.locale import load_locale
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.watch.digest.stake import Stake
from weighbridge.watch.digest.windows import plan_of, rhythm_of

S = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "watch" / "digest" / "scene.py")))
_ATOM = "{http://www.w3.org/2005/Atom}"
_NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(params=["en", "zh"])
def told(request: pytest.FixtureRequest) -> ToldDigest:
    """Return a digest with a stranger's hostile name in it, in each language."""
    known = load_knowledge()
    stake = Stake(
        f"hf:{S.REPOSITORY}", "sha256:" + "1" * 64, S.HOSTILE, commit=S.PIN, standing="adopted",
        decision="sha256:" + "2" * 64, decided_on=date(2026, 11, 1), policy="internal",
    )  # fmt: skip
    view = View((stake,), shipped_rules(), known, History({}, {}))
    digest = compile_digest(S.events(), view, (None, _NOW))
    rhythms = {"GLM": rhythm} if (rhythm := rhythm_of("GLM", known, _NOW.date())) else {}
    return tell(digest, shipped_rules(), rhythms, request.param)


def test_atom_has_what_rfc_4287_asks_for(told: ToldDigest) -> None:
    """Feed and entries have one title, a unique id that is a URI, and an RFC 3339 date; there is an author (4.1)."""
    feed = ET.fromstring(atom(told.digest, told.lines, load_locale(told.language)))  # noqa: S314 - our own
    assert feed.tag == f"{_ATOM}feed"
    assert feed.find(f"{_ATOM}author/{_ATOM}name") is not None
    entries = feed.findall(f"{_ATOM}entry")
    assert len(entries) == len(told.digest.items) == 3
    for element in (feed, *entries):
        for name in ("title", "id", "updated"):
            assert len(element.findall(f"{_ATOM}{name}")) == 1
            assert element.findtext(f"{_ATOM}{name}")
        assert urlsplit(str(element.findtext(f"{_ATOM}id"))).scheme == "urn"
        assert datetime.fromisoformat(str(element.findtext(f"{_ATOM}updated"))).tzinfo is not None
    assert len({entry.findtext(f"{_ATOM}id") for entry in entries}) == len(entries)
    for entry in entries:  # 4.1.2: an entry without content needs an alternate link
        assert entry.findtext(f"{_ATOM}content")
        assert all(urlsplit(link.attrib["href"]).scheme == "https" for link in entry.findall(f"{_ATOM}link"))


def test_rss_has_what_its_specification_asks_for(told: ToldDigest) -> None:
    """Channel: title, link, description; items: a title, RFC 822 dates, and ids that are no addresses."""
    root = ET.fromstring(rss(told.digest, told.lines, load_locale(told.language)))  # noqa: S314 - our own
    assert (root.tag, root.attrib["version"]) == ("rss", "2.0")
    (channel,) = root.findall("channel")
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    items = channel.findall("item")
    assert len(items) == 3
    for item in items:
        assert item.findtext("title")
        assert parsedate_to_datetime(str(item.findtext("pubDate"))) == S.SEEN
        guid = item.find("guid")
        assert guid is not None
        assert guid.attrib["isPermaLink"] == "false"


def test_a_feed_is_the_same_whoever_makes_it(told: ToldDigest) -> None:
    """A reader must not show an entry twice: ids do not hang on when the feed is made."""
    t = load_locale(told.language)
    assert atom(told.digest, told.lines, t) == atom(told.digest, told.lines, t)


class _Tags(HTMLParser):
    """Collects tags, attributes that run code, and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.risky: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a page could run or load."""
        self.tags.append(tag)
        self.risky += [name for name, value in attrs if name.startswith("on") or (name in {"src", "href"} and value
                       and not value.startswith(("#", "data:,")))]  # fmt: skip


def test_nothing_escapes_on_the_page(told: ToldDigest) -> None:
    """A repository's name, licence and note stay text; characters that hide are spelled out; nothing is loaded."""
    page = html(told).decode()
    tags = _Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert tags.risky == []
    assert not any(character in page for character in "\u202e\x00\x1b")
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_markdown_keeps_a_name_from_being_markup(told: ToldDigest) -> None:
    """No raw tag and no hidden character is left."""
    text = markdown(told).decode()
    assert not re.search(r"(?<!\\)<script", text)
    assert "\u202e" not in text


def test_the_document_holds_every_part_of_an_item(told: ToldDigest) -> None:
    """What changed, why, what next, who, confidence, claim, dates: for machines, and plain JSON."""
    content = json.loads(json.dumps(digest_json(told.digest, shipped_rules(), {}, told.language)))
    first = content["items"][0]
    assert first["severity"] == "high"
    assert first["next_step"] == "legal review"
    assert {change["kind"] for change in first["what_changed"]} == {"weights", "licence-tag", "card"}
    assert all(why["because"] for why in first["why"])
    assert {
        "roles",
        "confidence",
        "claim",
        "seen_at",
        "created_at",
        "announced_at",
        "concerns",
        "commands",
    } <= first.keys()


def test_a_message_mentions_nobody(told: ToldDigest) -> None:
    """`<!channel>` and links in a name are taken apart as Slack asks (escape &, <, >); control characters are shown."""
    message = message_json(zip(told.digest.items, told.lines, strict=True))
    assert "<" not in message["text"]
    assert "\u202e" not in message["text"]
    assert [item["id"] for item in message["items"]] == [item.id for item in told.digest.items]
    assert len(message["text"].splitlines()) == 3


def test_a_calendar_is_folded_and_escaped() -> None:
    """RFC 5545: lines of at most 75 octets that end with CRLF, commas escaped, DTEND the day after the last."""
    known = load_knowledge()
    stake = Stake(
        "hf:deepseek-ai/DeepSeek-V4-Flash", "sha256:" + "1" * 64, "模型" * 60 + ", and; more\nBEGIN:VEVENT",
        standing="adopted", decision="sha256:" + "2" * 64, expires_on=date(2026, 12, 31), policy="internal",
    )  # fmt: skip
    data = calendar(plan_of((stake,), (), known, date(2026, 11, 22)), _NOW)
    lines = data.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 and b"\n" not in line for line in lines)
    rows = data.decode().replace("\r\n ", "").splitlines()
    assert rows.count("BEGIN:VEVENT") == rows.count("END:VEVENT") == 2
    assert "DTSTART;VALUE=DATE:20261231" in rows
    assert "DTEND;VALUE=DATE:20270101" in rows
    assert any("\\, and\\; more" in row for row in rows)


def test_spans_of_time_are_told_as_wide_as_they_are() -> None:
    """Minutes below two hours, hours above, and never a zero that would promise nothing to do."""
    t = load_locale("en")
    assert time_text(None, t) == "time unknown"
    assert time_text((2.0, 50.0), t) == "at most 1 minutes"
    assert time_text((2.0, 960.0), t) == "<1 to 16 minutes"
    assert time_text((3600.0, 40 * 3600.0), t) == "1.0 to 40 hours"


def test_a_plan_as_data_names_window_and_coverage() -> None:
    """The window never stands without the probability that it holds with."""
    (plan,) = plan_of((), ("DeepSeek",), load_knowledge(), date(2026, 11, 22))
    content: dict[str, Any] = plan_json(plan)
    assert content["watched"] is True
    assert content["median_days"] == 43
    assert len(content["window"]) == 2
    assert 0 < content["coverage"] < 1


@pytest.mark.parametrize(
    ("kind", "own", "more", "word"),
    [
        ("weights", "critical", {}, "why"),
        ("licence-tag", "high", {"before": {"licence": "mit"}, "after": {"licence": "other"}}, "terms"),
        ("release", "high", {"after": {"licence": "mit"}, "subject": "hf:Qvven/Qwen9-8B"}, "who publishes"),
    ],
)
def test_what_matters_never_ends_with_nothing(kind: str, own: str, more: dict[str, Any], word: str) -> None:
    """A followed model that is not ours: where the event is to plan, the step says where to look before adopting."""
    view = View((), shipped_rules(), load_knowledge(), History({}, {}))
    digest = compile_digest([S.event(kind, **more, severity=own)], view, (None, _NOW))
    (lines,) = tell(digest, shipped_rules(), {}, "en").lines
    assert lines.severity == "medium"
    assert "Before you adopt it" in lines.next
    assert word in lines.next


def test_a_lawyer_reads_words_and_a_diff_is_a_block() -> None:
    """What a licence was read as, before and after; no digest, no raw structure; the template's diff row by row."""
    licence = {"digest": "git:" + "1" * 40, "is": "points to mit"}
    new = {"digest": "git:" + "2" * 40, "is": "apache-2.0, altered", "clauses": [{"kind": "x", "was": "a", "is": "b"}]}
    diff = "--- before\n+++ after\n@@ -1 +1 @@\n-one\n+~~~\n <b>"
    push = [
        S.event("licence-text", before={"LICENSE": licence}, after={"LICENSE": new}),
        S.event("chat-template", before={"sha256": "3" * 64, "lines": 1},
                after={"sha256": "4" * 64, "lines": 2, "diff": diff, "touches": []}),
        S.event("history-rewritten", before={"commit": S.PIN}, after={"commit": S.HEAD, "commits": 1}),
    ]  # fmt: skip
    stake = Stake(f"hf:{S.REPOSITORY}", "sha256:" + "1" * 64, "ours", commit=S.PIN, standing="adopted",
                  decision="sha256:" + "2" * 64, decided_on=date(2026, 11, 1))  # fmt: skip
    view = View((stake,), shipped_rules(), load_knowledge(), History({}, {}))
    found = tell(compile_digest(push, view, (None, _NOW)), shipped_rules(), {}, "en")
    told = "\n".join(text for lines in found.lines for text in lines.changed)
    assert "LICENSE: points to mit to apache-2.0, altered" in told
    assert "commits 1" in told
    assert "lines 1 to 2" in told
    assert not any(raw in told for raw in ("{", "[]", "git:", "nothing to", "sha256", "---"))
    (rows,) = (lines.diff for lines in found.lines if lines.diff)
    assert {"- a", "+ b", "-one", "+~~~", " <b>"} <= set(rows)
    assert "<pre" in html(found).decode()
    assert "&lt;b&gt;" in html(found).decode()
    assert "\n    +~~~\n" in markdown(found).decode()
