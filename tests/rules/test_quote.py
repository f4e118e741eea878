"""A value as a message shows it."""

from __future__ import annotations

import tracemalloc

import pytest

from streamlab.rules.base import quote
from tests.memory import traced


@pytest.mark.parametrize("value", ["x" * 4_000_000, b"x" * 4_000_000], ids=["text", "bytes"])
def test_of_a_whole_body_no_more_is_read_than_is_shown(value):
    with traced():
        shown = quote(value)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    assert len(shown) == 60
    assert shown.endswith("x…")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        (b"\xc3\xa9\xff", "b'é\\xff'"),
        ("é" * 61, "'" + "é" * 58 + "…"),
        ("é".encode() * 61, "b'" + "é" * 57 + "…"),
        ("\n" * 40, "'" + "\\n" * 29 + "…"),
    ],
)
def test_what_is_shown(value, shown):
    assert quote(value) == shown
