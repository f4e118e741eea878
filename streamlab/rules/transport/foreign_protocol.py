"""See the class."""

from __future__ import annotations

import re

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.whole import Whole


class ForeignProtocol(Rule):
    """The path promises one of the APIs judged here, and the answer speaks another protocol.

    Told by the first JSON object that is of any protocol known here: Anthropic's events, Gemini's candidates, MCP, a
    list of models and so on, or events of the Responses API on the path of chat. The rules of the API that was promised
    say nothing of it then. Silent where no path is known, and of chat chunks on the paths of Messages and Responses,
    which have rules of their own. Its own events in AWS's binary messages are another protocol as well, where the path
    is none of Bedrock's.

    ## What OpenAI does
    Answers ``/chat/completions`` with chat chunks, ``/responses`` with events of a response.

    ## Why it matters
    OpenAI's clients look for ``choices``, or for ``response.…`` events, and there are none: they hand out an empty
    answer or raise. Most often a gateway forwards to the wrong path, or forgets to translate. In binary messages
    clients find no event at all: Anthropic's say that the request ended without sending any chunks.

    ## Repair
    None: the body is left as it is.
    """

    name = "foreign-protocol"
    severity = Severity.ERROR
    source = CHAT_STREAM
    apis = Scope.EVERY
    ends_after = Whole.FOREIGN | Whole.CODED

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        found = ctx.received.foreign
        if found is not None and ctx.api.foreign_rule(found) == self.name:
            yield self.found(
                f"the path promises {ctx.api.title}, the answer is {found.title}",
                expected=ctx.api.name,
                actual=found.name,
            )
        elif ctx.received.framed and self._is_own_path():
            yield self.found(
                f"the path promises {ctx.api.title}, and its events come in AWS's binary messages",
                path="content-type",
                expected="text/event-stream",
                actual=ctx.head.header("content-type") if ctx.head is not None else None,
            )

    def _is_own_path(self) -> bool:
        """Whether the request goes to a path of the API that was found."""
        request = self.ctx.request
        path = re.split("[?#]", request.url)[0].rstrip("/") if request is not None else ""
        return any(path.endswith(end) for end in self.ctx.api.path_ends)
