"""What is said of the end of Ollama's streams, and when nothing is."""

from __future__ import annotations

import json

import pytest

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze


def _line(text: str, *, done: bool = False, **more: object) -> bytes:
    return json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": done, **more}).encode()


def _found(body: bytes, *, ending: Ending = Ending.COMPLETE, **asked: object) -> list[str]:
    request = Request("POST", "http://127.0.0.1:11434/api/chat", (), json.dumps({"model": "m", **asked}).encode())
    head = ResponseHead(200, (("content-type", "application/x-ndjson"),), 1)
    pieces = tuple(Segment(at, body[at : at + 7]) for at in range(0, len(body), 7))
    made = Exchange(request=request, head=head, segments=pieces, ending=ending, end_us=len(body))
    return [one.rule for one in analyze(made).findings]


_START = _line("Hel") + b"\n"


@pytest.mark.parametrize(
    ("rest", "rules"),
    [
        (_line("lo", done=True) + b"\n", []),
        (_line("lo", done=True), []),
        (_line("lo") + b"\r\n\n", ["ollama-done-missing"]),
        (_line("lo")[:-9], ["ollama-line-cut"]),
        (_line("lo", done=True).replace(b'"message": ', b'"message":\n'), []),
        (b'{"error": "model runner has stopped"}\n', []),
    ],
)
def test_the_last_line_says_how_it_ends(rest, rules):
    assert _found(_START + rest) == rules


def test_nothing_is_said_of_what_somebody_else_cut_or_of_a_whole_answer():
    assert _found(_START, ending=Ending.CLIENT_LEFT) == []
    assert _found(_line("Hello"), stream=False) == []
