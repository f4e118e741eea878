"""See the class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Ended
from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.raw_answers import is_answer_again
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.state import RuleState
from streamlab.rules.told_failures import tells_a_failure
from streamlab.rules.whole import Whole
from streamlab.wire import error_objects, reading
from streamlab.wire.arguments import is_open
from streamlab.wire.bad_payloads import ends_otherwise
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import Chunk, Done, StreamEvent, Undecodable
from streamlab.wire.finish_reasons import stray_reason
from streamlab.wire.inserted import junk_before_data
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact

#: The field by its name in other letters, or with blanks around it.
_LOOSE = lazy_pattern(rb"[ \t]*data[ \t]*:[ \t]*\[DONE\][ \t]*", re.IGNORECASE)


class DoneMissing(Rule):
    """The stream ends without ``data: [DONE]``.

    ## What OpenAI does
    Ends every chat and legacy completions stream with ``data: [DONE]``, also after an error inside the stream; 2,691 of
    2,693 recorded streams do, the two others were left by their client.

    ## Why it matters
    {clients: none} measured clients also stop at the end of the connection; where it stays open, all of them hang.
    Others wait for the marker alone and report an interrupted answer (Azure's .NET SDK was seen to hang). After an
    error, in whatever clothes, it is only told: clients stop reading there. So it is where a choice never finished
    (finish-reason-missing): a stream that stops early has no end of either kind, which is one fact. And so it is where
    the end is announced in another way, which is sse-done-variant, or stands in a field of another name, which is
    sse-invalid-field-name.

    ## Repair
    Appended when every choice has its ``finish_reason`` and the HTTP message ended properly, also where another repair
    brings the ``finish_reason`` to light; never after a cut.
    """

    name = "done-missing"
    needs_framing = True
    severity = Severity.WARNING
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    repair = Ended
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.UNDECODABLE | Fact.LINES | Fact.COMMENT | Fact.NO_CHOICES | Fact.SHAPE
    ends_after = Whole.NO_DONE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._hidden = self._announced = False
        self._again = False  # the whole answer came once more, as raw text: that was its end
        self._failed = False  # a failure is told in clothes of the server's own
        self._torn = False  # a finish_reason stands in an event that is no JSON object
        self._glued: set[int] = set()  # choices that finish in chunks which are one event
        self._stray: set[int] = set()  # choices whose reason to finish stands where no client looks

    def event(self, at: int, event: StreamEvent) -> None:
        # Without the blank line between them, the last chunk and [DONE] are one event that is no JSON.
        glued = isinstance(event, Undecodable) and event.sse.raw.rstrip().endswith((b"data: [DONE]", b"data:[DONE]"))
        self._hidden |= glued
        self._announced |= ends_otherwise(event) or _ends_misnamed(event)
        self._failed = self._failed or tells_a_failure(event)
        self._torn |= event.sse is not None and error_objects.hides_finish(event.sse.raw)
        self._glued.update(_finishes_in(event))
        if isinstance(event, Chunk):
            strays = (one for one in reading.choices(event.json) if stray_reason(event.json, one))
            self._stray.update(map(reading.choice_index, strays))
        self._again = self._again or is_answer_again(self.ctx, event)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        # A cut or abandoned stream has no end to judge, and an empty one has its own rule.
        if ctx.seen.done_at is not None or self._hidden or not ctx.seen.chunks or ending is not Ending.COMPLETE:
            return
        finished = self._is_finished()
        told = ctx.seen.error_at is not None or self._failed or self._announced or self._is_unfinished()
        yield self.found(
            "the stream ends without data: [DONE]",
            expected="data: [DONE]",
            severity=Severity.INFO if told else None,
            repairability=Repairability.SAFE if finished or self._again or self._announced else Repairability.NONE,
        )

    def _is_finished(self) -> bool:
        """Whether every choice has its finish when what else is wrong is mended: indexes that count the tokens of one
        answer, chunks that are one event for want of a blank line, and reasons that stand in a wrong place."""
        ctx = self.ctx
        choices, finishes = ctx.accumulator.choices, ctx.seen.finish_values
        if finishes and one_answer(choices, finishes, ctx.n):
            return True
        moved = () if any(map(is_open, ctx.calls.calls)) else self._stray
        return ctx.finished or (bool(choices) and choices.keys() <= {*ctx.seen.finish_at, *self._glued, *moved})

    def _is_unfinished(self) -> bool:
        """Whether the finish is missing too, which is finish-reason-missing."""
        ctx = self.ctx
        exempt = self._again or self._torn or reading.is_of_audio_model(ctx.seen.last_chunk or {})
        return bool(ctx.accumulator.choices) and not self._is_finished() and not exempt


def _ends_misnamed(event: StreamEvent) -> bool:
    """Whether ``[DONE]`` is the data of a field by another name, which is sse-invalid-field-name."""
    sse = event.sse
    if sse is None or isinstance(event, Done) or b"[DONE]" not in sse.raw:
        return False
    return any(junk_before_data(one.content) is not None or _LOOSE.fullmatch(one.content) for one in sse.filled_lines())


def _finishes_in(event: StreamEvent) -> Iterator[int]:
    """The choices that finish in an event whose data lines are a chunk each."""
    if not isinstance(event, Undecodable) or event.sse.data is None or not error_objects.hides_finish(event.sse.raw):
        return
    chunks = [reading.as_object(decode_payload(line).value) for line in event.sse.data.split(b"\n")]
    if all(chunks):
        for choice in (one for chunk in chunks for one in reading.choices(chunk)):
            if reading.finish_reason(choice):
                yield reading.choice_index(choice)
