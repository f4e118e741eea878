"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import INCOMPLETE, OBSERVED_RESPONSES, REASONING
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.final import pairs
from streamlab.apis.responses.items import Item, Piece
from streamlab.apis.responses.rules.base import OddRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact, as_list, as_object

#: Places that are kept; more are not told.
_MOST = 1_000
#: What clients were asked about, in the words of the forms.
_WHAT = {"response.output_text": "another text", "response.function_call_arguments": "other arguments"}

#: Where a finished message lacks a text, which no client was asked about.
_LACKS = "item.content"
#: Clients raise over the delta itself.
_NULL = "a delta that is null lost part of a text"


def _who(family: str) -> tuple[str, str, str, str]:
    """Which events can say another whole than the deltas came to, in the words of the forms."""
    done = family.removeprefix("response.") + ".done"
    item = "output_item.done"
    return "all but the deltas say", f"{done} alone says", f"{item} alone says", f"{item} and the finished response say"


class ResponsesDeltaDoneMismatch(OddRule):
    """What was streamed in deltas is not what is said to be the whole.

    ## What OpenAI does
    ``response.output_text.done``, ``response.function_call_arguments.done`` and their like hold exactly the joined
    deltas, 2,441 of 2,445; so do the part and the item that are done after them. The others are summaries of
    reasoning that ``max_output_tokens`` cut: OpenAI streams these twice.

    ## Why it matters
    Some clients show the deltas, some keep the whole. A message that is done with fewer parts than texts were streamed
    (agentgateway/agentgateway#2281) is lost to who takes it from there, as Codex does. A whole text that comes once
    more as a last delta is doubled in nearly all of them; arguments that only the finished item has differently are
    run by Codex, the AI SDK and openai-python. Where only the ``.done`` differs, no measured client notices.

    ## Repair
    None: which of the two is true is not on the wire. Where a delta that is null lost the difference, it is filled
    (responses-delta-not-string). A whole that is empty may be a text that was taken back.
    """

    name = "responses-delta-done-mismatch"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    of_some = Repairability.SAFE
    on = ResponseFact.MISMATCH | ResponseFact.PART | Fact.UNDECODABLE

    variants = (
        *(f"{who} {what}" for family, what in _WHAT.items() for who in _who(family)),
        "all but the deltas say other arguments, and these are no JSON",
        _NULL,
    )

    _lost = False  # an event could not be read: what it said is not known

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._late: list[tuple[Item, Piece, bool, Finding]] = []
        self._parts: dict[tuple[int, str], Any] = {}  # an item's number and a part's -> the text it was done with
        self._told: dict[int, set[str]] = {}  # the number of a piece that is kept -> which events say another

    def event(self, at: int, event: StreamEvent) -> None:
        self._lost = self._lost or bool(self.ctx.facts & Fact.UNDECODABLE)
        item = self.response.item
        if item is not None and self.response.kind == "response.content_part.done" and len(self._parts) < _MOST:
            value = self.value(event)
            self._parts[item.number, str(value.get("content_index"))] = as_object(value.get("part")).get("text")
        for one in self.response.odd:
            if one.fact == ResponseFact.MISMATCH and item is not None and len(self._late) < _MOST:
                self._keep(one, item, at, event)

    def _keep(self, one: Odd, item: Item, at: int, event: StreamEvent) -> None:
        pieces = item.pieces.values()
        piece = next((one_of for one_of in pieces if one.expected in (str(one_of.text), one_of.done)), None)
        if piece is None:
            return
        kind = _LACKS if one.path == _LACKS else self.response.kind.removeprefix("response.")
        known = next((number for number, kept in enumerate(self._late) if kept[1] is piece), len(self._late))
        self._told.setdefault(known, set()).add(kind)
        if known == len(self._late):
            how = _repairable(piece, one.actual)
            told = {"path": one.path, "expected": one.expected, "actual": one.actual, "repairability": how}
            finding = self.placed(self.found(one.said, at, **told), event)
            family = self.response.kind.rpartition(".")[0]
            self._late.append((item, piece, family in REASONING, finding))

    def end(self, ending: Ending) -> Findings:
        cut = self.response.terminal == INCOMPLETE
        for number, (item, piece, reasoning, finding) in enumerate(self._late):
            if cut and (reasoning or finding.path is None or "summary" in finding.path):
                continue
            form = self._form(item, piece, self._told[number])
            finding = self.in_form(finding, form)
            yield changed(finding, severity=Severity.WARNING) if piece.agrees else finding

    def _form(self, item: Item, piece: Piece, told: set[str]) -> str | None:
        """What differs from what; None for what no client was asked about."""
        key = next((key for key, held in item.pieces.items() if held is piece), ("", 0))
        family, text = key[0], str(piece.text)
        if self._lost or piece.doubtful or family not in _WHAT or _LACKS in told:
            return None
        if piece.lost_at is not None:
            return None if item.is_call else _NULL
        listed = as_list((self.response.final or {}).get("output"))
        finished = next((found for _, found, one in pairs(listed, self.response.items).paired if one is item), None)
        if finished is None:
            return None
        ends = [family.removeprefix("response.") + ".done" in told, "output_item.done" in told]
        ends.append(not item.agrees_with(finished))
        part = ends[0] if item.is_call else self._parts.get((item.number, str(key[1]))) != text
        all_of_them, alone, in_item, in_both = _who(family)
        who = {"yyy": all_of_them, "ynn": alone, "nyn": in_item, "nyy": in_both}.get("".join("ny"[one] for one in ends))
        if who is None or part is not (who == all_of_them or (item.is_call and who == alone)):
            return None
        lame = who == all_of_them and item.is_call and not _is_object(text)
        return f"{who} {_WHAT[family]}" + ", and these are no JSON" * lame


def _is_object(text: str) -> bool:
    """Whether it is an object of JSON."""
    told = decode_payload(text.encode("utf-8", "surrogatepass"))
    return told.ok and type(told.value) is dict


def _repairable(piece: Piece | None, whole: str) -> Repairability:
    """What is missing of a text is all that a delta without it lost: responses-delta-not-string."""
    start = piece.lost_at if piece is not None else None
    filled = piece is not None and start is not None and piece.missing(whole, start)
    return Repairability.SAFE if filled else Repairability.NONE
