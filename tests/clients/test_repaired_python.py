"""openai-python, as its documentation uses it, ends with what the mended stream says: plain and with ``.stream()``."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.clients.repaired import Repaired, arguments, expected, repaired_streams, served

STREAMS = [one for one in repaired_streams() if "choices" not in one.completion]
_ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


@pytest.fixture(scope="module")
def client_of():
    with served(STREAMS) as replay, openai.OpenAI(api_key="x", base_url=replay.base_url, max_retries=0) as client:
        yield lambda name: client.with_options(base_url=f"{replay.url}/@{name}/v1")


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


@pytest.mark.parametrize("one", STREAMS, ids=lambda one: one.name)
def test_openai_python_ends_with_what_was_repaired(client_of, one: Repaired) -> None:
    wanted = expected(one.completion)
    assert plain(client_of(one.name)) == wanted
    if wanted["finish"] == "length":  # by design, on OpenAI's own streams too
        with pytest.raises(openai.LengthFinishReasonError):
            accumulated(client_of(one.name))
    else:
        assert accumulated(client_of(one.name)) == wanted


def test_there_is_something_to_test() -> None:
    assert len(STREAMS) > 60
