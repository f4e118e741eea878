"""openai-python, as its documentation uses it, ends with what the mended stream says: plain and with ``.stream()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.clients.repaired import arguments, expected, repaired_streams, served
from tests.examples import RANDOM

#: The streams are asked for in so many parts; `make test` takes half of them.
_PARTS = 4
_ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


def plain(client: openai.OpenAI) -> dict[str, Any]:
    """The documented loop over chunks."""
    text, finish, calls = "", None, {}
    with client.chat.completions.create(**_ASKED, stream=True) as stream:
        for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or ():
                    held = calls.setdefault(call.index, [call.id, call.function.name, ""])
                    held[2] += call.function.arguments or ""
    return {
        "text": text,
        "calls": [[call_id, name, arguments(held)] for call_id, name, held in calls.values()],
        "finish": finish,
    }


def accumulated(client: openai.OpenAI) -> dict[str, Any]:
    """The library's own accumulator."""
    with client.chat.completions.stream(**_ASKED) as stream:
        choice = stream.get_final_completion().choices[0]
    return {
        "text": choice.message.content or "",
        "calls": [
            [call.id, call.function.name, arguments(call.function.arguments)]
            for call in choice.message.tool_calls or ()
        ],
        "finish": choice.finish_reason,
    }


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(_PARTS if RANDOM else _PARTS // 2))
def test_openai_python_ends_with_what_was_repaired(part: int) -> None:
    streams = [one for one in repaired_streams(part, _PARTS) if "choices" not in one.completion]
    wrong = {}
    with served(streams) as replay, openai.OpenAI(api_key="x", base_url=replay.base_url, max_retries=0) as client:
        for one in streams:
            asking = client.with_options(base_url=f"{replay.url}/@{one.name}/v1")
            wanted = expected(one.completion)
            # Reaching the length raises by design, on OpenAI's own streams too.
            held = "LengthFinishReasonError" if wanted["finish"] == "length" else wanted
            for ask, right in ((plain, wanted), (accumulated, held)):
                got = _asked(ask, asking)
                if got != right:
                    wrong[one.name, ask.__name__] = (got, right)
    assert wrong == {}
    assert len(streams) > 60 // _PARTS


def _asked(ask: Callable[[openai.OpenAI], dict[str, Any]], client: openai.OpenAI) -> dict[str, Any] | str:
    """What a client ended with, or what it raised."""
    try:
        return ask(client)
    except Exception as error:
        return type(error).__name__
