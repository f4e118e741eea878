"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs.ended import Ended
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.raw_answers import is_answer_again
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.state import RuleState
from streamlab.wire.bad_payloads import ends_otherwise
from streamlab.wire.events import StreamEvent, Undecodable
from streamlab.wire.reading import Fact


class DoneMissing(Rule):
    """The stream ends without ``data: [DONE]``.

    ## What OpenAI does
    Ends every chat and legacy completions stream with ``data: [DONE]``, also after an error inside the stream; 2,691 of
    2,693 recorded streams do, the two others were left by their client.

    ## Why it matters
    {clients: none} measured clients also stop at the end of the connection; where it stays open, all of them hang.
    Others wait for the marker alone and report an interrupted answer (Azure's .NET SDK was seen to hang). Without a
    ``finish_reason`` as well, nobody can tell a complete answer from a cut one. After an error it is only told: clients
    stop reading there. So it is where the end is announced in another way, which is sse-done-variant.

    ## Repair
    Appended when every choice has its ``finish_reason`` and the HTTP message ended properly; never after a cut.
    """

    name = "done-missing"
    needs_framing = True
    severity = Severity.WARNING
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    repair = Ended
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.UNDECODABLE | Fact.LINES | Fact.COMMENT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._hidden = self._announced = False
        self._again = False  # the whole answer came once more, as raw text: that was its end

    def event(self, at: int, event: StreamEvent) -> None:
        # Without the blank line between them, the last chunk and [DONE] are one event that is no JSON.
        glued = isinstance(event, Undecodable) and event.sse.raw.rstrip().endswith((b"data: [DONE]", b"data:[DONE]"))
        self._hidden |= glued
        self._announced |= ends_otherwise(event)
        self._again = self._again or is_answer_again(self.ctx, event)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        # A cut or abandoned stream has no end to judge, and an empty one has its own rule.
        if ctx.seen.done_at is not None or self._hidden or not ctx.seen.chunks or ending is not Ending.COMPLETE:
            return
        yield self.found(
            "the stream ends without data: [DONE]",
            expected="data: [DONE]",
            severity=Severity.INFO if ctx.seen.error_at is not None or self._announced else None,
            repairability=Repairability.SAFE if ctx.finished or self._again else Repairability.NONE,
        )
