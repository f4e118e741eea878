"""What a row of the timeline tells of an event."""

from __future__ import annotations

import pytest

from streamlab.report.timeline import kind, preview
from streamlab.wire.stream import StreamDecoder
from tests import messages, responses


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (messages.ended("tool_use", 13), "'tool_use' usage 13 tokens"),
        (messages.tool()[5], "read_file"),
        (messages.text()[1], "text"),
        (responses.tool()[2], "get_weather"),
        (responses.text()[-1], "usage 38 tokens"),
        (responses.text()[0], ""),
        (responses.failed()[-1], "Try again."),
        ({**responses.text()[-1], "type": "response.incomplete"}, "status 'completed' usage 38 tokens"),
    ],
)
def test_a_row_tells_what_an_event_with_a_type_opens_and_how_it_ends(event, shown):
    [read] = StreamDecoder().feed(messages.frame(event))
    assert preview(read) == shown


@pytest.mark.parametrize(
    ("raw", "said"), [(b": hi\n\n", "comment"), (b"id: 1\n\n", "no data"), (b"Internal Server Error\n\n", "no event")]
)
def test_what_is_no_event_of_a_stream_is_not_called_one_without_data(raw, said):
    [read] = StreamDecoder().feed(raw)
    assert kind(read) == said
