"""A plain test module for exported fixtures, for those who want to write Python: a skeleton that passes.

Each fixture is replayed, mended, to openai-python (an API it does not speak: as it came, to httpx), and what the
client holds at the end is asserted. What to assert instead is for the author to decide.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from streamlab.apis import DEFAULT, api_of_path
from streamlab.exchange import Ending, Exchange, Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.wire.payload import decode_payload

_HEADER = '''"""Streams that went wrong once, replayed. Written by `streamlab export --pytest`; yours to change.

`streamlab_replay` plays the fixture that the marker names on loopback, to the request that was recorded and no other;
more keywords make it play differently: normalize=True (mended), segments="byte", cut_after="3e", speed=1,
ignore=["metadata"] (what may differ in a request), match="any" (whatever is asked).
"""

'''
_ASK = '''
def ask(base_url, request):
    """What a program holds after asking this: text, tool calls (name, arguments), finish reason."""
    text, calls, finish = "", {}, None
    more = json.loads(request.body or b"{}")
    model, messages, _ = more.pop("model", "m"), more.pop("messages", []), more.pop("stream", True)
    with openai.OpenAI(api_key="unused", base_url=base_url, max_retries=0, timeout=10) as client:
        chunks = client.chat.completions.create(model=model, messages=messages, stream=True, extra_body=more)
        for chunk in chunks:
            for choice in chunk.choices:
                if choice.index != 0:
                    continue
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or ():
                    name, arguments = calls.get(call.index, ("", ""))
                    calls[call.index] = (name or call.function.name, arguments + (call.function.arguments or ""))
    return text, list(calls.values()), finish
'''


def module(fixtures: Sequence[tuple[Path, Exchange]], path: Path) -> str:
    """The text of a test module at ``path`` for these fixture directories."""
    tests, taken = [], set[str]()
    for home, exchange in fixtures:
        name = base = "test_" + (re.sub(r"\W+", "_", home.name).strip("_") or "exchange")
        number = 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        marker = Path(os.path.relpath(home, path.parent)).as_posix()
        tests.append(_chat_test(name, marker, exchange) or _raw_test(name, marker, exchange))
    text = "".join(tests)
    chat = "ask(" in text
    standard = "import json\n\n" if chat else ""
    imports = [*(["import httpx"] if "httpx." in text else []), *(["import openai"] if chat else []), "import pytest"]
    return _HEADER + standard + "\n".join(imports) + "\n\n" + (_ASK + "\n" if chat else "") + text.rstrip("\n") + "\n"


def _chat_test(name: str, marker: str, exchange: Exchange) -> str | None:
    """A test by openai-python; None where the mended exchange is no sound chat stream."""
    normalized = normalize(exchange)
    repaired = normalized.exchange
    if repaired.head is None or repaired.request is None or api_of_path(repaired.request.url) is not DEFAULT:
        return None
    report = analyze(repaired)
    completion = report.completion or {}
    # What is translated on its way out was asked in another protocol.
    same = repaired.request == exchange.request and _asks_for_a_stream(repaired.request)
    match = "" if same else ', match="any"'
    lines = ["", f"@pytest.mark.streamlab({marker!r}, normalize=True{match})"]
    lines.append(f"def {name}(streamlab_replay, streamlab_exchange):")
    asked = "ask(streamlab_replay.base_url, streamlab_exchange.request)"
    if not 200 <= repaired.head.status < 300 or repaired.ending is not Ending.COMPLETE or completion.get("error"):
        lines += ["    with pytest.raises(openai.OpenAIError):", f"        {asked}"]
    elif errors_left(normalized):  # nobody can say what every version of the client makes of it
        return None
    else:
        calls = [(one["function"]["name"], one["function"]["arguments"]) for one in completion.get("tool_calls") or ()]
        lines += [
            f"    text, calls, finish = {asked}",
            f"    assert text == {completion.get('content') or ''!r}",
            f"    assert calls == {calls!r}",
            f"    assert finish == {completion.get('finish_reason')!r}",
        ]
    return "\n".join(lines) + "\n\n"


def _asks_for_a_stream(request: Request) -> bool:
    """Whether the recorded request is one that ``ask`` sends again; an unknown body matches anything."""
    value = decode_payload(request.body).value if request.body else None
    return request.body is None or (isinstance(value, dict) and value.get("stream") is True)


def _raw_test(name: str, marker: str, exchange: Exchange) -> str:
    """A test that reads the bytes, for what no client library is at hand for."""
    lines = ["", f"@pytest.mark.streamlab({marker!r})", f"def {name}(streamlab_replay, streamlab_exchange):"]
    asked, stated = '"POST", streamlab_replay.base_url', []
    if exchange.request is not None:
        stated = ["    asked = streamlab_exchange.request"]
        asked = "asked.method, streamlab_replay.url_of(asked), content=asked.body"
    lines += stated
    if exchange.head is None or exchange.ending is not Ending.COMPLETE:
        lines += [
            "    with pytest.raises(httpx.HTTPError):",
            f"        httpx.request({asked}, timeout=1)",
        ]
    else:
        lines += [
            f"    with httpx.stream({asked}) as answer:",
            f"        assert answer.status_code == {exchange.head.status}",
            '        assert b"".join(answer.iter_raw()) == streamlab_exchange.body',
        ]
    return "\n".join(lines) + "\n\n"
