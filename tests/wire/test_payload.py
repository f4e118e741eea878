"""The JSON of one event: the value Python would read, and every fault that other readers stumble over."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire.payload import MAX_DEPTH, FaultKind, decode_payload, encode_json
from tests.examples import examples

_TEXTS = st.text(max_size=6) | st.sampled_from(['":', '\\":', ":", '"a":1', " :", "\u2028", "\ud83c", "NaN", "\x00"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), ("\n,\t", "\t:\n")])


def kinds(data: bytes) -> list[FaultKind]:
    return [fault.kind for fault in decode_payload(data).faults]


def doubled(data: bytes) -> bool:
    """Whether any object of the text has a key twice, asked the slow way."""
    found = []

    def look(pairs):
        found.append(len(dict(pairs)) != len(pairs))
        return dict(pairs)

    json.loads(data, object_pairs_hook=look)
    return any(found)


@given(values, separators, st.booleans())
@settings(max_examples=examples(400))
def test_reads_what_python_reads(value, marks, ascii_only):
    text = json.dumps(value, separators=marks, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    payload = decode_payload(data)
    assert payload.ok
    lone = any("\ud800" <= letter <= "\udfff" for letter in json.dumps(value, ensure_ascii=False))
    if not lone:
        assert payload.value == value
        assert payload.faults == ()


#: Objects written by hand, so that keys can be doubled, spaced and dressed up as strings.
_KEY = st.sampled_from(['"a"', '"b"', '"\\""', '"a\\\\"', '":"', '"\\":"', '"\\u0061"'])
_GAP = st.sampled_from(["", "", " ", "\n", "\t"])
_LEAF = st.sampled_from(["1", '""', '"\\"a\\":1"', '":"', '"a :"', "null", "{}", '{"a":1}', '{"a":1,"a":2}'])
_MEMBER = st.tuples(_KEY, _GAP, _LEAF).map(lambda part: f"{part[0]}{part[1]}:{part[2]}")
objects = st.lists(_MEMBER, max_size=5).map(lambda members: "{" + ",".join(members) + "}")


@given(objects)
@settings(max_examples=examples(600))
def test_doubled_keys_cannot_hide(text):
    data = text.encode()
    assert (FaultKind.DUPLICATE_KEYS in kinds(data)) == doubled(data)


@given(objects | st.lists(objects, max_size=3).map(lambda some: "[" + ",".join(some) + "]"))
def test_doubled_keys_cannot_hide_behind_a_number_that_no_reader_likes(text):
    data = ('{"n":' + "9" * 5000 + ',"x":' + text + "}").encode()
    assert (FaultKind.DUPLICATE_KEYS in kinds(data)) == (b'"a":1,"a"' in data or doubled(text.encode()))


@given(st.binary(max_size=60) | _TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=examples(600))
def test_never_raises_and_never_keeps_quiet(data):
    payload = decode_payload(data)
    assert payload.ok or payload.faults
    assert all(0 <= fault.at <= len(data) for fault in payload.faults)
    if FaultKind.INVALID_UTF8 not in [fault.kind for fault in payload.faults]:
        data.decode("utf-8")


@given(values, st.data())
@settings(max_examples=examples(400))
def test_a_beginning_of_json_is_truncated(value, drawn):
    data = json.dumps({"k": value}).encode()
    cut = drawn.draw(st.integers(1, len(data) - 1))
    payload = decode_payload(data[:cut])
    assert not payload.ok
    assert [fault.kind for fault in payload.faults] == [FaultKind.TRUNCATED]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}', []),
        (b' \t\r\n{"a":1} ', []),
        (b"", [FaultKind.EMPTY]),
        (b" \n", [FaultKind.EMPTY]),
        (b"hello", [FaultKind.NOT_JSON]),
        (b"[DONE]", [FaultKind.NOT_JSON]),
        (b"{'a':1}", [FaultKind.NOT_JSON]),
        (b'{"a":1,}', [FaultKind.NOT_JSON]),
        (b"\xef\xbb\xbf{}", [FaultKind.NOT_JSON]),
        (b"nul", [FaultKind.NOT_JSON]),
        (b'{"a":1}}', [FaultKind.TRAILING_TEXT]),
        (b'{"a":1}{"b":2}', [FaultKind.TRAILING_TEXT]),
        (b"2026-11-20", [FaultKind.TRAILING_TEXT]),
        (b'{"a":1}\x00', [FaultKind.TRAILING_TEXT]),
        (b'{"a":NaN,"b":-Infinity}', [FaultKind.NAN, FaultKind.NAN]),
        (b'{"a":"NaN"}', []),
        (b'{"a":"\x00"}', [FaultKind.CONTROL_BYTE]),
        (b'{"a":"\t"}', [FaultKind.CONTROL_BYTE]),
        (b'{"a":"\n"}', [FaultKind.CONTROL_BYTE]),
        (b'{"a":"\x7f"}', []),
        (b'{"a":"\xff"}', [FaultKind.INVALID_UTF8]),
        (b'{"a":"\xed\xa0\xbc"}', [FaultKind.INVALID_UTF8]),
        (b'{"a":"\xc0\xaf"}', [FaultKind.INVALID_UTF8]),
        (b'{"a":"\\ud83c"}', [FaultKind.LONE_SURROGATE]),
        (b'{"a":"\\udf89"}', [FaultKind.LONE_SURROGATE]),
        (b'{"a":"\\ud83c\\ud83c\\udf89"}', [FaultKind.LONE_SURROGATE]),
        (b'{"\\ud83c":1}', [FaultKind.LONE_SURROGATE]),
        (b'{"a":"\\ud83c\\udf89"}', []),
        (b'{"a":"\\\\ud83c"}', []),
        (b'{"a":' + b"9" * 5000 + b"}", []),
        (b'{"a":1e999}', []),
        (b"[" * 100_000, [FaultKind.TOO_DEEP]),
        (b'{"a":' * 100_000, [FaultKind.TOO_DEEP]),
        (b"[" * 100_000 + b"]" * 100_000, [FaultKind.TOO_DEEP]),
        (b"[" * 500 + b"]" * 500, [FaultKind.TOO_DEEP]),
        (b'{"a":' * 500 + b"1" + b"}" * 500, [FaultKind.TOO_DEEP]),
    ],
)
def test_faults(data, expected):
    assert kinds(data) == expected


@pytest.mark.parametrize("wrap", [lambda at: b"[" * at + b"]" * at, lambda at: b'{"a":' * at + b"1" + b"}" * at])
def test_depth_has_one_limit_however_it_is_reached(wrap):
    shallow, deep = MAX_DEPTH, MAX_DEPTH + 2
    assert decode_payload(wrap(shallow)).ok
    assert kinds(wrap(deep)) == [FaultKind.TOO_DEEP]
    assert kinds(b'{"x":NaN,"y":' + wrap(deep) + b"}") == [FaultKind.TOO_DEEP]


def test_a_fault_says_where_and_what():
    (nan,) = decode_payload(b'{"a":"NaN","b":NaN}').faults
    assert (nan.at, nan.detail) == (15, "NaN")
    (control,) = decode_payload('{"é":"a\x00"}'.encode()).faults
    assert (control.at, control.detail) == (8, "00")
    (surrogate,) = decode_payload(b'{"a":"\\\\\\ud83cx"}').faults
    assert (surrogate.at, surrogate.detail) == (8, "\\ud83c")
    (trailing,) = decode_payload('{"é":1} x'.encode()).faults
    assert (trailing.at, trailing.detail) == (8, " x")
    (key,) = decode_payload(b'{"a":1,"b":2,"a":3}').faults
    assert (key.at, key.detail) == (13, "a")


def test_only_control_bytes_leave_a_value_to_a_payload_that_is_no_json():
    payload = decode_payload(b'{"a":"x\x00y"}')
    assert (payload.ok, payload.value) == (False, {"a": "x\x00y"})
    assert decode_payload(b'{"a":"x\x00').value is None


@given(values)
def test_what_is_written_is_read_back(value):
    payload = decode_payload(encode_json(value))
    assert payload.ok
    if not any(fault.kind is FaultKind.LONE_SURROGATE for fault in payload.faults):
        assert payload.value == value


def test_writes_as_openai_does():
    assert encode_json({"a": [1, "é", None]}) == '{"a":[1,"é",null]}'.encode()
    assert encode_json({"a": "\ud83c"}) == b'{"a":"\\ud83c"}'
    assert decode_payload(encode_json({"a": 10**30})).value == {"a": 10**30}
    assert math.isinf(decode_payload(b"1e999").value)


@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b'"\x80\x00', FaultKind.CONTROL_BYTE, 2),
        (b'["\xff\xff", NaN]', FaultKind.NAN, 7),
        (b'["\xff\xef\xbf\xbd", NaN, NaN]', FaultKind.NAN, 9),
        (b'"\xf0\x9f\x98" rest', FaultKind.TRAILING_TEXT, 5),
        (b'{"\xe2\x82": 1', FaultKind.TRUNCATED, 8),
        (b'{"\x80": nope', FaultKind.NOT_JSON, 6),
    ],
)
def test_what_follows_bytes_that_are_no_utf8_is_found_where_it_is(data, kind, offset):
    assert next(fault.at for fault in decode_payload(data).faults if fault.kind is kind) == offset


@given(
    st.lists(st.sampled_from([b"\x80", b"\xe2\x82", b"\xf0\x9f", b"\xef\xbf\xbd", b"a", b"\xc3\xa4", b"\xed\xa0\x80"]))
)
def test_places_are_those_of_the_bytes_whatever_they_are(pieces):
    data = b'"' + b"".join(pieces) + b'"'
    (fault,) = [one for one in decode_payload(data + b" rest").faults if one.kind is FaultKind.TRAILING_TEXT]
    assert fault.at == len(data)


@pytest.mark.parametrize(
    ("data", "at", "what"),
    [
        (b'{"a":"\xc3\xa9" , }', 10, "object"),
        (b"[1,\n]", 2, "array"),
        (b'{"a":[1,],"b":2}', 7, "array"),
        (b'{"a":{"b":1,}}', 11, "object"),
    ],
)
def test_a_comma_before_a_closing_bracket_is_told_alike_by_every_python(data, at, what):
    (fault,) = decode_payload(data).faults
    assert (fault.kind, fault.at) == (FaultKind.NOT_JSON, at)
    assert fault.detail.startswith(f"Illegal trailing comma before end of {what}: line 1 column ")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"[,]", "Expecting value"),
        (b'{"a":]', "Expecting value"),
        (b'{"a":1,]', "Expecting property name"),
        (b"[1,}", "Expecting value"),
        (b"{,}", "Expecting property name"),
    ],
)
def test_another_bracket_or_no_value_before_it_is_no_trailing_comma(data, what):
    assert decode_payload(data).faults[0].detail.startswith(what)
