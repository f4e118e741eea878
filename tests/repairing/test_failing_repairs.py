"""A repair that raises costs nothing of the answer."""

from __future__ import annotations

import pytest

from streamlab.apis.chat.repairs.closing import Closing
from streamlab.apis.registry import repair_classes
from streamlab.repairing.normalizer import Normalizer, normalize
from streamlab.repairing.pipeline import FAILED
from streamlab.rules.repair import Draft, Repair
from tests import streams

BODY = streams.sse(streams.chat_tool())
BROKEN = BODY.replace(b"data: ", b"data:")  # every repair gets to see every event


def _raise(*_: object) -> object:
    raise ZeroDivisionError("a fault of ours")


@pytest.mark.parametrize("hook", ["event", "end", "shape"])
@pytest.mark.parametrize("repair", repair_classes(unsafe=True), ids=lambda repair: repair.__name__)
def test_every_event_goes_out(repair: type[Repair], hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, hook, _raise)
    for cut in (1, len(BROKEN)):
        normalizer = Normalizer(streams.request_for(tools=True), unsafe=True)
        out = b"".join(normalizer.feed(BROKEN[at : at + cut]) for at in range(0, len(BROKEN), cut))
        out += normalizer.finish()
        assert out.replace(b"data:", b"data: ").replace(b"data:  ", b"data: ") == BODY


def test_what_was_held_goes_out_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finish chunk is held when [DONE] makes the repair raise."""
    whole = Closing.event

    def event(self: Closing, draft: Draft) -> object:
        return whole(self, draft) if draft.is_chunk else _raise()

    monkeypatch.setattr(Closing, "event", event)
    repaired = normalize(streams.exchange([BROKEN + b": rest\n\n"], request=streams.request_for(tools=True)))
    assert repaired.failed
    assert repaired.exchange.notes == {FAILED: "ZeroDivisionError('a fault of ours')"}
    assert [one.rule for one in repaired.unrepaired] == [FAILED]
    finish = BROKEN.split(b"\n\n")[-3]
    assert repaired.exchange.body.endswith(finish + b"\n\ndata:[DONE]\n\n: rest\n\n")
