"""Cards: everything captured is text on them, they fetch nothing, they are short enough, and the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.report.card.card import card_of
from streamlab.report.card.markdown import LONGEST, markdown
from streamlab.report.card.svg import timeline_svg
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.workflows.cards import card
from tests import streams
from tests.corpus import CORPUS

NASTY = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}</style></pre>\u202e\x1b[2J'
    "`````\n# heading @everyone [x](javascript:alert(3)) | cell |\n<!-- ]]> &lt; -->"
)


@pytest.fixture(scope="module")
def nasty() -> Exchange:
    chunks = [streams.chunk({"content": NASTY}), streams.chunk({NASTY: NASTY}), {"error": {"message": NASTY, "x": 1}}]
    body = b"".join(map(streams.frame, chunks)) + NASTY.encode() + b"\n\ndata: " + NASTY.encode() + b"\n\n"
    return Exchange(
        request=Request("POST", f"http://h/{NASTY}", (), json.dumps({"model": NASTY, "stream": True}).encode()),
        head=ResponseHead(200, (("content-type", f"text/event-stream; {NASTY}"),), 5),
        segments=(Segment(10, body[:700]), Segment(3_000_000, body[700:])), end_us=3_100_000, label=NASTY,
    )  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data) -> None:
        if self._open in ("style", "script"):
            self.text[self._open] = self.text.get(self._open, "") + data


def test_on_the_page_every_captured_byte_is_text(nasty) -> None:
    page = card(nasty, "html", "bug", redacted=True)
    found = _Tags()
    found.feed(page)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert "49" not in re.sub(r"[^ ]*base64,[^\"]*", "", page).split("heading")[0][-200:]
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src"):
            assert str(attributes.get(name) or "data:").startswith("data:")
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_the_page_allows_nothing_but_its_own_style_and_script(nasty) -> None:
    found = _Tags()
    found.feed(card(nasty, "html", "bug", redacted=True))
    policy = next(one["content"] for tag, one in found.tags if tag == "meta" and "content" in one and "src" in str(one))
    assert policy.startswith("default-src 'none';")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found.text[kind].strip("\n").encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_bundle_inside_holds_the_exchange(nasty, tmp_path) -> None:
    page = card(nasty, "html", "bug", redacted=True)
    coded = re.search(r'href="data:application/zip;base64,([^"]+)"', page)
    assert coded is not None
    (tmp_path / "bug.slab").write_bytes(base64.b64decode(coded[1]))
    from streamlab.storage.targets import find

    assert next(find(str(tmp_path / "bug.slab"))).read().body == nasty.body


def test_text_for_an_issue_keeps_to_its_fences_and_length(nasty) -> None:
    text = markdown(card_of(nasty))
    assert len(text) <= LONGEST
    fences = re.findall(r"^(`{3,})(\w*)$", text, re.MULTILINE)
    assert fences
    assert len(fences) % 2 == 0
    assert "`" * 6 in text, "a fence longer than what is in it"
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)  # code within a line
    assert "<script" not in outside.replace("\\<", "")
    assert "@everyone" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)
    big = streams.exchange(streams.sse([streams.chunk({"content": NASTY * 50}, "stop")] * 300))
    assert len(markdown(card_of(big))) <= LONGEST


def test_the_picture_is_xml_and_says_in_words_what_it_shows(nasty) -> None:
    root = ElementTree.fromstring(timeline_svg(card_of(nasty)))
    assert root.attrib["role"] == "img"
    told = "".join(root.itertext())
    assert "silence of " in told
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    many = streams.exchange(streams.sse([streams.chunk({"content": "x"})] * 5000))
    assert len(timeline_svg(card_of(many))) < 400_000


@pytest.mark.parametrize("form", ["html", "markdown", "svg", "otel"])
def test_the_same_exchange_gives_the_same_text(form) -> None:
    exchange = read_exchange_dir(CORPUS / "seed-systems" / "glm4-abe93e0-newline-notools")
    if form == "otel":
        pytest.importorskip("opentelemetry.sdk")
        from streamlab.interop.otel import spans

        assert spans(exchange) == spans(exchange)
        span = json.loads(spans(exchange))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        assert len(span["traceId"]) == 32
        named = [one["name"] for one in span["events"]]
        assert "gen_ai.first_token" in named
        assert "streamlab.finding" in named
        return
    assert card(exchange, form, "x", redacted=True) == card(exchange, form, "x", redacted=True)


def test_the_verdict_is_a_sentence() -> None:
    clean = card_of(streams.exchange(streams.sse(streams.chat_usage("hi"))))
    assert clean.verdict.startswith("This stream is as OpenAI sends it")
    broken = card_of(read_exchange_dir(CORPUS / "seed-systems" / "glm4-abe93e0-newline-notools"))
    assert re.search(r"\d+ clients break on it", broken.verdict)
    assert broken.findings[0].breaks
    assert broken.events


def test_an_answer_without_events_still_has_its_time_and_one_remark_is_one() -> None:
    empty = Exchange(head=ResponseHead(200, (("content-type", "text/event-stream"),), 5), end_us=171_000)
    drawn = timeline_svg(card_of(empty))
    assert "times unknown" not in drawn
    assert "171 ms" in drawn
    remarked = read_exchange_dir(CORPUS / "seed-systems" / "oneapi-8df4a26-split-utf8")
    assert re.search(r"; 1 remark\.$", card_of(remarked).verdict)


def test_text_for_an_issue_names_the_hop_and_says_how_many_more_break() -> None:
    said = markdown(card_of(streams.exchange(b"", tap="gateway", label="nightly")))
    assert said.startswith("### gateway/nightly\n")
    assert re.search(r"\(\+\d+ more ways\) \|", said)
