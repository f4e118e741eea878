"""Hostile JSON for property tests: anything may stand anywhere a chunk has a member."""

from __future__ import annotations

from hypothesis import strategies as st

texts = st.text(max_size=5) | st.sampled_from(
    [
        "",
        "stop",
        "tool_calls",
        "assistant",
        "chat.completion.chunk",
        "\ud83c",
        "²",
        "--1",
        "-1",
        "9" * 5000,
        "{",
        "null",
        "0",
    ]
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 5)
    | st.sampled_from([10**30, 10**4000, -1, 1.5, float("inf"), float("nan")])
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def objects(**members: st.SearchStrategy) -> st.SearchStrategy:
    """Objects that may have these members, each as meant or as anything else, and others beside."""
    meant = {name: strategy | anything for name, strategy in members.items()}
    return st.fixed_dictionaries({}, optional=meant)


functions = objects(name=texts, arguments=texts)
calls = objects(index=st.integers(-1, 2), id=texts, type=texts, function=functions)
deltas = objects(
    role=texts,
    content=texts,
    refusal=texts,
    tool_calls=st.lists(calls, max_size=2) | calls,
    function_call=functions,
    reasoning_content=texts,
    reasoning=texts,
    audio=anything,
)
choices = objects(
    index=st.integers(-1, 2),
    delta=deltas,
    message=deltas,
    text=texts,
    finish_reason=texts,
    logprobs=objects(content=st.lists(anything, max_size=2)),
    usage=anything,
)
usages = objects(
    prompt_tokens=st.integers(-1, 9), completion_tokens=st.integers(-1, 9), total_tokens=st.integers(-1, 9)
)
chat_chunks = objects(
    id=texts,
    object=texts,
    created=st.integers(0, 9),
    model=texts,
    choices=st.lists(choices, max_size=3),
    usage=usages,
    error=anything,
    obfuscation=texts,
)
_TYPES = st.sampled_from(
    [
        "response.created",
        "response.output_text.delta",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.completed",
        "response.failed",
        "ping",
        "error",
    ]
)
response_events = objects(
    type=_TYPES,
    sequence_number=st.integers(0, 5),
    delta=texts,
    item=objects(type=texts, id=texts, call_id=texts, name=texts),
    item_id=texts,
    response=objects(id=texts, status=texts, output=anything, usage=usages, error=anything),
)
chunks = chat_chunks | response_events | st.dictionaries(texts, anything, max_size=3)
