"""What is wrong with events that nobody could read before their framing was repaired is said in every format."""

from __future__ import annotations

import json

import pytest

from tests import streams


@pytest.fixture
def torn(tmp_path):
    """A stream whose first chunk lost its field name, and whose deltas then say nothing of their role."""
    chunks = streams.chat_text("Spring", " is", " here")
    body = streams.sse([{**chunk, "object": "chat.completion"} if type(chunk) is dict else chunk for chunk in chunks])
    file = tmp_path / "torn.sse"
    file.write_bytes(body.replace(b"data: {", b"Data: {"))
    return str(file)


@pytest.fixture
def said(run, torn):
    def say(form):
        ran = run("check", torn, "--format", form)
        assert ran.code == 1, ran.err
        return ran.out

    return say


def test_text(said):
    assert "after repair: object-wrong (error)" in " ".join(said("text").split())


def test_json(said):
    document = json.loads(said("json"))
    [exchange] = document["exchanges"]
    [told] = exchange["after_repair"]
    assert (told["rule"], told["severity"]) == ("object-wrong", "error")
    assert "object-wrong" not in [one["rule"] for one in exchange["findings"]]
    assert document["summary"]["error"] == sum(one["severity"] == "error" for one in exchange["findings"])


def test_sarif(said):
    results = json.loads(said("sarif"))["runs"][0]["results"]
    [told] = [one for one in results if one["properties"].get("afterRepair")]
    assert (told["ruleId"], told["level"]) == ("object-wrong", "note")
    assert told["message"]["text"].startswith("after repair: ")


@pytest.mark.parametrize("form", ["github", "junit"])
def test_lines(form, said):
    assert "after repair: " in said(form)
    assert "object-wrong" in said(form)


def test_nothing_is_said_of_a_stream_that_can_be_read(run, tmp_path):
    file = tmp_path / "good.sse"
    file.write_bytes(streams.sse(streams.chat_text("Spring")))
    ran = run("check", file, "--format", "json")
    assert json.loads(ran.out)["exchanges"][0]["after_repair"] == []
