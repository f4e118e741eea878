"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesCompletedOutputDiffers(OddRule):
    """The finished response is not what was streamed.

    ## What OpenAI does
    Repeats the items as they were done, but for ``encrypted_content``, which is written anew each time, and the
    sources of a web search.

    ## Why it matters
    There are two camps: OpenAI's stream helpers and agents take the finished response, Codex, the AI SDK, LangChain
    and pydantic-ai the stream. One user sees a call run, the other does not.

    ## Repair
    None: which of the two is true is not on the wire.
    """

    name = "responses-completed-output-differs"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    on = ResponseFact.FINAL
