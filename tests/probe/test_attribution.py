"""What one answer shows by chance is nobody's fault; what all of them show is the gateway's."""

from __future__ import annotations

import pytest

from streamlab.apis.chat.questions import QUESTIONS
from streamlab.comparing.attribution import attributed
from streamlab.comparing.features import Feature, ModeOutcome, Said, Support
from streamlab.rules.finding import Finding, Severity

TICKED = Finding("created-wrong-type", Severity.WARNING, "", variants=("it changes",))
TEXT = Finding("created-wrong-type", Severity.WARNING, "", variants=("it is text",))
STALL = Finding("stall-gap", Severity.WARNING, "")


def outcome(*findings: Finding, said: str | None = "Yes") -> ModeOutcome:
    words: Said | None = None if said is None else ((said, ()),)
    return ModeOutcome(Support.DEVIATES if findings else Support.PASS, "", findings, 1, words)


def features(*streamed: ModeOutcome, whole: str | None = "Yes") -> list[Feature]:
    return [Feature(question, one, outcome(said=whole)) for question, one in zip(QUESTIONS, streamed, strict=False)]


@pytest.mark.parametrize("finding", [TICKED, STALL])
def test_what_differs_by_chance_blames_nobody(finding: Finding) -> None:
    fine = [outcome()] * 4
    once = [outcome(finding), *fine[1:]]
    assert {one.blame for one in attributed(features(*once), features(*fine))} == {""}
    assert {one.blame for one in attributed(features(*fine), features(*once))} == {""}


@pytest.mark.parametrize("finding", [TICKED, STALL, TEXT])
def test_what_every_answer_shows_behind_the_gateway_alone_is_no_chance(finding: Finding) -> None:
    found = attributed(features(*[outcome(finding)] * 4), features(*[outcome()] * 4))
    assert {one.blame for one in found} == {f"introduced by the gateway: {finding.rule}"}


def test_a_fault_that_is_no_chance_is_blamed_the_first_time() -> None:
    found = attributed(features(outcome(TEXT), *[outcome()] * 3), features(*[outcome()] * 4))
    assert [one.blame for one in found] == ["introduced by the gateway: created-wrong-type", "", "", ""]


def test_texts_are_compared_where_the_server_says_the_same_twice() -> None:
    (changed,) = attributed(features(outcome(said="No")), features(outcome()))
    assert changed.blame == "the gateway changes the answer (streamed): “Yes” becomes “No”"
    assert changed.state is Support.DEVIATES
    (stripped,) = attributed(features(outcome(said=" Yes\n")), features(outcome()))
    assert stripped.state is Support.PASS
    (unsteady,) = attributed(features(outcome(said="No")), features(outcome(), whole="Well"))
    assert unsteady.state is Support.PASS
    (silent,) = attributed(features(outcome(said=None)), features(outcome()))
    assert silent.state is Support.PASS
