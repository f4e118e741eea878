"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import is_one_answer
from streamlab.apis.chat.repairs.emptied import stops
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

#: Two newlines or a doubled word are no repetition of the answer.
_SHORTEST = 8
#: In the middle of an answer: so long, and of so many pieces, is no sentence that a model says twice in one token.
_LONG, _PIECES = 24, 3
#: The text so far is joined for a comparison at most so often.
_MAX_COMPARED = 8


#: Where the text may come once more, however short it is.
_ENDS = Fact.MESSAGE | Fact.FINISH | Fact.AFTER_FINISH


class DropRepeatedText(Repair):
    """Drops the whole text once more on the finish chunk, or after it; on request any last delta that equals all text.

    A whole message beside the deltas is dropped elsewhere.
    """

    rules = ("full-message-repeated",)
    doubts_text = True
    stage = Stage.DELTA
    minds = Fact.CONTENT
    holds_back = "with --unsafe, a delta that equals all text before it, until the next event"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: Draft | None = None

    def event(self, draft: Draft) -> Drafts:
        held, self._held, self.awake = self._held, None, False
        before: tuple[Draft, ...] = () if held is None else (held,)
        if held is not None and not (draft.is_chunk and any(map(reading.content, reading.deltas(draft.json)))):
            before = self._without_text(held)
        if not self._repeats(draft):
            return (*before, draft)
        choice = reading.choices(draft.json)[0]
        index = reading.choice_index(choice)
        if choice.get("finish_reason") or index in self.state.finished:
            return (*before, *self._without_text(draft))
        if not self.state.unsafe:
            return (*before, draft)  # a model may say a sentence twice
        if self.state.texts.pieces(index) >= _PIECES and self.state.texts.length(index) >= _LONG:
            return (*before, *self._without_text(draft))
        self._held, self.awake = draft, True
        return before

    def end(self, ending: Ending) -> Drafts:
        held, self._held = self._held, None
        return () if held is None else self._without_text(held)

    def _repeats(self, draft: Draft) -> bool:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        text = reading.content(reading.delta(listed[0])) if len(listed) == 1 else ""
        if len(text) < _SHORTEST:
            return False
        index = reading.choice_index(listed[0])
        return self.state.texts.pieces(index) > 1 and text == self.state.texts.text(index)

    def _without_text(self, draft: Draft) -> tuple[Draft, ...]:
        delta = reading.deltas(draft.json)[0]
        draft.drop(self.rules[0], delta, "content", "choices[0].delta.")
        choice = reading.choices(draft.json)[0]
        if delta or stops(choice) or draft.json.get("usage"):
            return (draft,)
        self.state.account.drop(draft, self.rules[0])
        return ()


class _Messages:
    """The messages of one choice beside its deltas.

    What openai-node holds is the last of them and the deltas from its own on: so the last says how that ends.
    """

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self._pieces = True  # each has the text of its delta …
        self._said = False  # … and there was some
        self._whole = False  # the last has all text so far
        self._silent = False  # … and its delta none
        self._alone = False  # … or there is no delta
        self._null = False  # one has null in place of calls
        self._known = 0  # the text is at least so long

    def add(self, finding: Finding, choice: JsonObject, state: ChoiceState | None) -> None:
        """One more; ``state`` is what the deltas before came to."""
        self.found.append(finding)
        message, delta = choice["message"], choice.get("delta")
        text, piece = reading.content(message), reading.content(delta if type(delta) is dict else {})
        self._pieces &= text == piece
        self._said |= bool(piece)
        self._null |= message.get("tool_calls", "") is None
        self._silent, self._alone = not piece, type(delta) is not dict
        self._whole = len(text) >= self._known and self._has_all(message, text, piece, state)

    def _has_all(self, message: JsonObject, text: str, piece: str, state: ChoiceState | None) -> bool:
        before = "" if state is None else str(state.content)
        self._known = len(before) + len(piece)
        calls = 0 if state is None else len(state.calls)
        return text == before + piece and len(reading.tool_calls(message)) >= calls

    def judged(self) -> tuple[str, str | None, Severity]:
        """What to say of them, in which form, and how bad that is."""
        if self._alone:
            return "a choice ends with a message in place of a delta, behind its deltas", None, Severity.ERROR
        if self._whole:
            form = "a message has all text and its delta none"
            if self._silent:
                return "a choice has all text so far as a message beside its delta", form, Severity.WARNING
            form = "the last message has all text and its delta some"
            return "a choice has all text so far as a message beside its delta", form, Severity.ERROR
        if self._pieces and self._said:
            form = f"a message has the same piece as its delta{', and null for calls' * self._null}"
            return "a choice has the same piece in a message beside its delta", form, Severity.ERROR
        return "a choice has a message beside its delta", None, Severity.ERROR


class FullMessageRepeated(Rule):
    """The text comes once more: as ``message`` beside the delta, or as one more delta with the finish.

    A last delta before the finish that equals all text may be what the model said: info. In the middle it is told where
    it is long, and everything before came in pieces of less than half its length: no token holds a whole answer.

    ## What OpenAI does
    Sends each piece of text once and no summary.

    ## Why it matters
    A last delta with the whole text doubles the answer in every measured client. A ``message`` beside ``delta`` is used
    by openai-node's ``.stream()`` (versions 4 and 7, measured) in place of what it has joined: it ends with the last
    piece twice where the last message has all text, and with the last piece alone where each message has a piece;
    version 7 raises where ``tool_calls`` of such a message is null.
    Where the last message has all text and its delta none, that is the answer: {clients: none when a message has all
    text and its delta none} measured clients end with it, and it is a warning. Front ends were seen to show the answer
    twice; other clients ignore it.

    ## Repair
    ``message`` is removed, and so is the text of the finish chunk, or after it, that equals the text so far. A delta
    before the finish, or in the middle, is dropped only on request: models do say a sentence twice.
    """

    name = "full-message-repeated"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DropRepeatedText
    on = Fact.MESSAGE | Fact.FINISH | Fact.AFTER_FINISH | Fact.CONTENT
    variants = (
        "a delta has all text",
        "a message has all text and its delta none",
        "the last message has all text and its delta some",
        "a message has the same piece as its delta",
        "a message has the same piece as its delta, and null for calls",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._messages: dict[int, _Messages] = {}
        self._placed: set[tuple[int, str]] = set()  # choices and the paths of their messages
        self._compared = 0
        self._leap = _LONG - 1  # a text longer than this may be all the texts before
        self._found = False

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        if not self.ctx.facts & _ENDS and not self._leaps(chunk):
            return
        for position, choice in enumerate(reading.choices(chunk)):
            message = choice.get("message")
            if type(message) is dict and (type(choice.get("delta")) is dict or self._ended_by_message(choice)):
                path = f"choices[{position}].message"
                finding = self.found("", at, path=path, expected="(absent)", actual=message.get("content") or message)
                index = reading.choice_index(choice)
                messages = self._messages.setdefault(index, _Messages())
                if (index, path) not in self._placed:  # the others only count
                    self._placed.add((index, path))
                    finding = self.placed(finding, event)
                messages.add(finding, choice, self.ctx.accumulator.choices.get(index))
            repeated = self._repeats(choice)
            if repeated:
                path = f"choices[{position}].delta.content"
                over = choice.get("finish_reason") or reading.choice_index(choice) in self.ctx.seen.finish_at
                yield self.found(
                    f"a{' last' if over else ''} delta repeats the whole text: {quote(repeated)}",
                    at,
                    path=path,
                    expected="(absent)",
                    actual=repeated,
                    repairability=None if over else Repairability.UNSAFE,
                    variant=self.variants[0],
                )
        # The repetition may stand in the chunk before the finish chunk.
        if self.ctx.facts & Fact.FINISH and not self._found:
            yield from self._before()

    def _leaps(self, chunk: JsonObject) -> bool:
        """Whether a delta in the middle is more than twice as long as those before: no other can repeat them all."""
        longest = max((len(reading.content(delta)) for delta in reading.deltas(chunk)), default=0)
        if longest <= self._leap:
            return False
        self._leap = max(_LONG, 2 * longest)
        return True

    def passes(self, run: Run) -> bool:
        return not self.ctx.facts & _ENDS and max(map(len, run.texts)) <= self._leap

    def end(self, ending: Ending) -> Findings:
        for messages in self._messages.values():
            said, variant, severity = messages.judged()
            variants = () if variant is None else (variant,)
            for finding in messages.found:
                yield changed(finding, message=said, severity=severity, variants=variants)
        if not self._found:
            yield from self._before()
        if not self._found and len(self.ctx.accumulator.choices) > _PIECES and is_one_answer(self.ctx):
            yield from self._among_pieces()

    def _among_pieces(self) -> Findings:
        """Each choice is a piece of the one answer: one of them may be all before it."""
        said = ""
        for index, state in self.ctx.accumulator.choices.items():
            text = str(state.content)
            if len(text) >= _LONG and text == said and (index, "content") in self.ctx.seen.landmarks.texts:
                at, path = self.ctx.seen.landmarks.texts[index, "content"]
                yield self.found(
                    f"a delta repeats the whole text: {quote(text)}",
                    at,
                    path=path,
                    expected="(absent)",
                    actual=text,
                    repairability=Repairability.UNSAFE,
                    variant=self.variants[0],
                )
                return
            said += text

    def _ended_by_message(self, choice: JsonObject) -> bool:
        state = self.ctx.accumulator.choices.get(reading.choice_index(choice))
        return state is not None and bool(state.content) and reading.opens_with_delta(self.ctx.seen.first_chunk or {})

    def _repeats(self, choice: JsonObject) -> str:
        """The text of a delta that is all the text before it, which came in more than one piece."""
        text = reading.content(reading.delta(choice))
        state = self.ctx.accumulator.choices.get(reading.choice_index(choice))
        if (
            len(text) < _SHORTEST
            or state is None
            or self.ctx.seen.content_events < 2
            or self._compared >= _MAX_COMPARED
        ):
            return ""
        over = choice.get("finish_reason") or reading.choice_index(choice) in self.ctx.seen.finish_at
        if not over and (len(text) < _LONG or self.ctx.seen.content_events < _PIECES):
            return ""
        self._compared += 1
        if str(state.content) != text:
            return ""
        self._found = True
        return text

    def _before(self) -> Findings:
        ctx = self.ctx
        for choice in reading.choices(ctx.seen.last_chunk or {}):
            text = reading.content(reading.delta(choice))
            state = ctx.accumulator.choices.get(reading.choice_index(choice))
            if len(text) < _SHORTEST or state is None or ctx.seen.content_events < 3 or self._compared >= _MAX_COMPARED:
                continue
            self._compared += 1
            if str(state.content) == text + text:
                self._found = True
                yield self.found(
                    f"the last delta equals all text before it; the model may have said it twice: {quote(text)}",
                    ctx.seen.last_chunk_at,
                    actual=text,
                    severity=Severity.INFO,
                    repairability=Repairability.UNSAFE,
                    variant=self.variants[0],
                )
