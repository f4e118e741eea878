"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_STREAM, Source
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Mend, Severity
from streamlab.wire.apis import Api


class DoneMissing(Rule):
    """The stream ends without ``data: [DONE]``.

    ## What OpenAI does
    Ends every chat and legacy completions stream with ``data: [DONE]``, also after an error inside the stream; 2,691 of
    2,693 recorded streams do, the two others were left by their client.

    ## Why it matters
    A client that waits for the marker instead of the end of the connection hangs or reports an interrupted answer.
    Without a ``finish_reason`` as well, nobody can tell a complete answer from a cut one.

    ## Repair
    Appended when every choice has its ``finish_reason`` and the HTTP message ended properly; never after a cut.
    """

    name = "done-missing"
    severity = Severity.WARNING
    source: Source = CHAT_STREAM
    repair = Mend.SAFE
    apis = frozenset({Api.CHAT, Api.COMPLETIONS})

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        # A cut or abandoned stream has no end to judge, and an empty one has its own rule.
        if ctx.done_at is not None or not ctx.chunks or ending is not Ending.COMPLETE:
            return
        yield self.found(
            "the stream ends without data: [DONE]",
            expected="data: [DONE]",
            repair=Mend.SAFE if ctx.finished else Mend.NONE,
        )
