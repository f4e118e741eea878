"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire import reading
from streamlab.wire.bodies import BodyKind


class StreamUnrequested(Rule):
    """An event stream answers a request that did not ask for one.

    The request is known, and its ``stream`` is absent, null or false. One whole answer behind a ``data:`` counts as
    well. Silent over anything else that ``stream`` may hold.

    ## What OpenAI does
    Answers with one JSON object.

    ## Why it matters
    Who asked for no stream parses the whole body as JSON: openai-python and openai-node raise, or hand out the text of
    the stream as if it were the answer.

    ## Repair
    None: the body is left as it is.
    """

    name = "stream-unrequested"
    severity = Severity.ERROR
    source = CHAT_STREAM
    apis = Scope.JUDGED
    needs_request = True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.body.get("stream") not in (None, False) or type(ctx.body.get("stream")) is int:
            return
        if ctx.streamed:
            return  # some say so in the path
        if ctx.received.kind is not BodyKind.SSE or not ctx.seen.data_events or ctx.received.foreign is not None:
            return
        whole = ctx.seen.chunks == 1 and _is_whole(ctx.seen.first_chunk)
        what = "a whole answer wrapped in data:" if whole else f"a stream of {ctx.seen.data_events} events"
        yield self.found(
            f"{what}, although the request did not ask for a stream",
            expected="one JSON object",
            actual=ctx.received.prefix[:60],
        )


def _is_whole(value: object) -> bool:
    return reading.is_whole_completion(value)
