"""What has judged or mended an exchange is gone with it: commands of ours look for garbage seldom, and such a machine
holds the first megabyte of a body, and its text."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from streamlab.comparing.event_diff import Differ
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.base import Rule
from streamlab.rules.repair import Repair
from streamlab.storage.exchange_dir import read_exchange_dir
from tests import rule_fixtures


def _differ(exchange: Exchange) -> None:
    differ = Differ(exchange.request, exchange.head)
    for segment in exchange.segments:
        differ.feed(segment.data)
    differ.finish(exchange.ending)


@pytest.mark.parametrize("work", [analyze, lambda exchange: normalize(exchange, unsafe=True), _differ],
                         ids=["check", "normalize", "diff"])  # fmt: skip
def test_nothing_is_left_for_the_garbage_collector(work: Callable[[Exchange], object]) -> None:
    exchanges = [read_exchange_dir(one.parent) for one in sorted(rule_fixtures.ROOT.rglob("bad/exchange.json"))]
    gc.collect()
    gc.disable()
    try:
        for exchange in exchanges:
            work(exchange)
        left = {type(one).__name__ for one in gc.get_objects() if isinstance(one, Rule | Repair)}
    finally:
        gc.enable()
    assert not left
