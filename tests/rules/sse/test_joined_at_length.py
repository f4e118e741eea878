"""Who shows ``stop`` where no reason came has another finish_reason only of an answer that was cut at length."""

from __future__ import annotations

import pytest

from streamlab.clients.table import breaks
from streamlab.judging.analyzer import analyze
from tests.streams import chat_text, exchange, sse


def _said(finish, client):
    *texts, last = (sse([one], done=False) for one in chat_text(finish=finish))
    body = b"".join([*texts[:-1], texts[-1].rstrip(), b"\n", last.rstrip(), b"\n"])
    (found,) = (one for one in analyze(exchange(body)).findings if one.rule == "sse-missing-blank-line")
    return [one.what for one in breaks(found.rule, found.variants, found.api) if one.client == client]


@pytest.mark.parametrize("client", ["py-pydantic-ai", "py-strands", "js-pi-ai"])
def test_it_is_told_by_the_form(client):
    assert _said("stop", client) == ["ends with other text"]
    assert _said("length", client) == ["ends with other text and another finish_reason"]
