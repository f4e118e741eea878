"""OpenAI's own error event of the Responses API, with an ``error`` member and a number, and what may follow it."""

from __future__ import annotations

import pytest

from streamlab.exchange import Segment
from streamlab.repairing.normalizer import normalize
from tests import corpus

OWN = corpus.load(corpus.CORPUS / "reports" / "truth" / "resp-error-then-failed")


def test_the_failure_after_it_keeps_its_number():
    assert normalize(OWN).exchange.body == OWN.body


@pytest.mark.parametrize("unsafe", [False, True])
def test_no_second_error_is_made_up_where_it_is_the_last_and_the_failure_is_told_once_more(unsafe):
    body = OWN.body[: OWN.body.index(b"event: response.failed")]
    assert body.count(b"event: error\n") == 1
    cut = type(OWN)(request=OWN.request, head=OWN.head, segments=(Segment(None, body),), ending=OWN.ending)
    made = normalize(cut, unsafe=unsafe).exchange.body
    assert made.startswith(body)
    assert made[len(body) :].startswith(b"event: response.failed\n")
    assert made.count(b"event: error\n") == 1


def test_a_wrong_number_is_repaired_and_its_name_kept():
    body = OWN.body.replace(b'"sequence_number":2', b'"sequence_number":1')
    assert body != OWN.body
    wrong = type(OWN)(request=OWN.request, head=OWN.head, segments=(Segment(None, body),), ending=OWN.ending)
    repaired = normalize(wrong)
    assert repaired.changes == {"responses-sequence-number": 1}
    assert b"event: error\ndata: {" in repaired.exchange.body
    assert b'"sequence_number":2}' in repaired.exchange.body
