"""The byte range of a JSON member is exactly its bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire.locate import member_span
from streamlab.wire.sse import parse_event
from tests.examples import examples

RAW = b'data: {"id" : "x", "choices":[{"index":0,"delta":{"content":"a\\"}]","n":-1.5}},{"index":1}]}\n\n'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("id", b'"id" : "x"'),
        ("choices[0].delta.content", b'"content":"a\\"}]"'),
        ("choices[0].delta.n", b'"n":-1.5'),
        ("choices[1]", b'{"index":1}'),
        ("choices[1].index", b'"index":1'),
        ("choices[1].delta", b'{"index":1}'),
        ("choices[7]", None),
        ("missing", None),
        ("id.deeper", b'"id" : "x"'),
        ("choices[0].delta", b'"delta":{"content":"a\\"}]","n":-1.5}'),
    ],
)
def test_members(path, expected):
    for start in (0, 1000):
        span = member_span(parse_event(RAW, start), path)
        assert span is not None
        found = RAW[span[0] - start : span[1] - start]
        if expected is not None:
            assert found == expected
        elif path.startswith("choices"):
            assert found == RAW[19:-3]
        else:
            assert found == RAW[6:-2]


def test_a_key_is_no_text_that_looks_like_one():
    raw = b'data: {"a":"content","x\\"content":1,"b":"\\"content\\":2,","content":3,"c":4}\n\n'
    span = member_span(parse_event(raw, 0), "content")
    assert span is not None
    assert raw[slice(*span)] == b'"content":3'


@pytest.mark.parametrize(
    "raw",
    [
        b": ping\n\n",
        b"data: [DONE]\n\n",
        b'data: {"id":"x\n\n',
        b'data: {"id\n\n',
        b"data: {id:1}\n\n",
        b'data: {"a":1,\ndata: "id":2}\n\n',
        b"data: x\ndata: {}\n\n",
        b'data: {"id":' + b" " * (1 << 20) + b"1}\n\n",
    ],
)
def test_what_cannot_be_read_has_no_place(raw):
    assert member_span(parse_event(raw, 0), "id") is None


@given(
    st.binary(max_size=80), st.sampled_from(["id", "choices[0].delta.content", "[3]", "", "...", "\ud83c", "a[0][0]"])
)
@settings(max_examples=examples(400))
def test_any_bytes_and_paths_are_taken(data, path):
    raw = b'data: {"choices":[' + data + b"\n\n"
    span = member_span(parse_event(raw, 7), path)
    assert span is None or 7 <= span[0] <= span[1] <= 7 + len(raw)


_NAMES = st.sampled_from(["a", "b", "content", "é", 'x"content'])
_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(["content", '"content":1,', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=3), st.booleans())
@settings(max_examples=examples(300))
def test_every_member_is_found_where_it_stands(value, spaced):
    marks = (" , ", " : ") if spaced else (",", ":")
    raw = b"data: " + json.dumps(value, ensure_ascii=False, separators=marks).encode() + b"\n\n"
    event = parse_event(raw, 0)
    for path, held, named in _paths(value):
        span = member_span(event, path)
        assert span is not None
        text = raw[span[0] : span[1]].decode()
        found = json.loads("{" + text + "}") if named else {"": json.loads(text)}
        assert list(found.values()) == [held]


def _paths(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            if '"' in key:  # which is written in another way than a path has it
                continue
            yield f"{path}.{key}".lstrip("."), inner, True
            yield from _paths(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield f"{path}[{at}]", inner, False
            yield from _paths(inner, f"{path}[{at}]")
