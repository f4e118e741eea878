"""A comment that says nothing, written into the middle of an event: taken out where nothing else can have torn it."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from tests.streams import chat_text, exchange, sse

BODY = sse(chat_text("Hello", " there", " friend"))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", [b'"content":" there', b'"delta":{"content":" there'])
def test_in_the_name_of_a_member_it_is_taken_out(name, line_end):
    at = BODY.index(name) + 4
    came = exchange(BODY[:at] + b":" + 2 * line_end + BODY[at:])
    mended = normalize(came)
    assert {one.rule for one in analyze(came).findings} - {"sse-line-endings"} == {"sse-comment-inside-data"}
    assert errors_left(mended) == ()
    assert analyze(mended.exchange).completion["content"] == "Hello there friend"


def test_in_a_text_nobody_can_tell_and_it_is_said():
    """A text may well end a paragraph in a colon, and a server may write its line ends raw."""
    came = exchange(BODY.replace(b" there", b" there:\n\n"))
    mended = normalize(came)
    (found,) = analyze(came).findings
    assert (found.rule, "a comment that was written into it" in found.message) == ("sse-raw-newline-in-json", True)
    assert errors_left(mended) == ("sse-raw-newline-in-json",)
    assert analyze(mended.exchange).completion["content"] == "Hello there:\n\n friend"


@pytest.mark.parametrize("raw", [b" th\n\nere", b" there\n", b" there:\n"])
def test_other_raw_line_ends_are_in_no_doubt(raw):
    mended = normalize(exchange(BODY.replace(b" there", raw)))
    assert errors_left(mended) == ()
    assert analyze(mended.exchange).completion["content"] == f"Hello{raw.decode()} friend"


def test_every_comment_line_is_counted():
    data = b": one\n: two\n" + sse(chat_text("Hi"))
    (hit,) = (one for one in analyze(exchange([data])).findings if one.rule == "sse-comment-keepalive")
    assert (hit.message, hit.count, hit.events) == ("comment line ': one'", 2, (0,))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\n\n\n" + sse(chat_text("Hi")), ["3 blank lines where there is no event to end"]),
        (b"\r\n" + sse(chat_text("Hi")), ["1 blank line where there is no event to end"]),
        (sse(chat_text("Hi")).replace(b"\n\n", b"\n\n\n"), ["1 blank line where there is no event to end"]),
        (sse(chat_text("Hi")), []),
        (b"id: 1\n" + sse(chat_text("Hi")).replace(b"\n\n", b"\n\n\n"), []),  # sse-id-plus-extra-blank-line
    ],
)
def test_blank_lines_that_end_nothing_are_told(data, told):
    found = analyze(exchange([data])).findings
    assert [one.message for one in found if one.rule == "sse-extra-blank-lines"] == told
    assert told or not found or "sse-id-plus-extra-blank-line" in {one.rule for one in found}
    if told:
        mended = normalize(exchange([data]))
        assert mended.exchange.body == sse(chat_text("Hi"))
        assert "sse-extra-blank-lines" in mended.changes
