"""A long body is masked part by part, and comes to what it comes to as a whole."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from streamlab.cli import main
from streamlab.exchange import Segment
from streamlab.sharing.masking import mask_body
from streamlab.sharing.parts import masked_in_parts
from streamlab.sharing.shown import as_shown
from streamlab.sharing.wanted import ALL_KNOWN
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams
from tests.sharing.canaries import canaries, tells
from tests.sharing.test_masking import KINDS, _deltas


def _cut(body: bytes, dice: random.Random) -> Iterator[Segment]:
    at = 0
    while at < len(body):
        size = dice.choice((1, 7, 60, 400, 3000))
        yield Segment(at, body[at : at + size])
        at += size


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_body_is_masked_in_parts_as_it_is_as_a_whole(kind, monkeypatch) -> None:
    dice = random.Random(5)
    text = " and ".join(secret for _, secret in canaries(40)) + " end"
    pieces, at = [], 0
    while at < len(text):
        size = dice.randrange(1, 12)
        pieces.append(text[at : at + size])
        at += size
    body = _deltas(kind, pieces)
    monkeypatch.setattr("streamlab.sharing.parts.MOST_AT_ONCE", len(body) // 4)
    monkeypatch.setattr("streamlab.sharing.parts._KEPT_BACK", len(body) // 12)
    segments = tuple(_cut(body, dice))
    shown = tuple(masked_in_parts(iter(segments), ALL_KNOWN))
    assert b"".join(one.data for one in shown) == mask_body(body).data
    assert [(one.offset_us, len(one.data)) for one in shown] == [(one.offset_us, len(one.data)) for one in segments]


def test_a_key_without_end_is_masked_to_its_end(monkeypatch) -> None:
    """Where no place to part is found it is not parted."""
    monkeypatch.setattr("streamlab.sharing.parts.MOST_AT_ONCE", 4000)
    monkeypatch.setattr("streamlab.sharing.parts._KEPT_BACK", 400)
    body = b"data: sk-proj-" + b"q7Zp" * 4000 + b"\n\n"
    segments = [Segment(at, body[at : at + 100]) for at in range(0, len(body), 100)]
    found = b"".join(one.data for one in masked_in_parts(segments, ALL_KNOWN))
    assert found == mask_body(body).data
    assert b"q7Zp" not in found


def test_what_commands_show_of_a_long_answer_says_no_key(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("streamlab.sharing.parts.MOST_AT_ONCE", 20_000)
    prefix, secret = canaries(1)[0]
    filler = [f"word {number} " for number in range(700)]
    body = _deltas(KINDS[0], [*filler, secret[:9], secret[9:20], secret[20:], *filler, '","no_member":1'])
    exchange = streams.exchange(body)
    assert len(body) > 40_000
    assert as_shown(exchange, None) is exchange
    write_exchange_dir(exchange, tmp_path / "x")
    for command in (["show"], ["show", "--json"], ["diff"], ["diff", "--json"], ["normalize", "--blame"]):
        with pytest.raises(SystemExit):
            main([*command[:1], str(tmp_path / "x"), *command[1:]])
        said = capsys.readouterr().out
        assert said
        assert secret[9:20] not in said
        assert tells(secret, prefix) not in said
    assert secret[9:20] in json.dumps(as_shown(exchange, None).body.decode())
