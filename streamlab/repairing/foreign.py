"""A foreign protocol's stream on its way to chat: its framing and torn payloads are mended as anybody's, then it is
translated. An event that nobody can read tells no translator anything: it is kept as a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamlab.apis import DEFAULT
from streamlab.apis.translator import Translator
from streamlab.exchange import Ending
from streamlab.rules.repair import ABSENT, Change, Draft, Drafts, Origin, RepairState
from streamlab.rules.repairs.framing import Framing, comment
from streamlab.rules.repairs.payloads import TornPayloads
from streamlab.wire.creation_times import date_of
from streamlab.wire.events import StreamEvent, Undecodable

_TRANSLATED = "translated"
#: What is a fault in chat's event streams and none in those of foreign protocols: Gemini ends lines with CR LF, Ollama
#: sends JSON lines.
_LAWFUL = frozenset({"sse-line-endings", "sse-ndjson-instead"})


class Foreign:
    """One stream; made while the state still says which API it is of."""

    def __init__(self, state: RepairState, make: type[Translator]) -> None:
        self._translator = make(state.body)
        self._translator.made_at = date_of(state.head)
        self._told_id = False
        self._account = state.account
        self._framing, self._torn = Framing(state), TornPayloads(state)

    def feed(self, draft: Draft) -> Drafts:
        """What one event of the stream amounts to."""
        for framed in self._framing.event(draft):
            for one in self._torn.event(framed):
                yield from self._translated(one)

    def finish(self, ending: Ending) -> Drafts:
        """What the end of the stream adds."""
        for one in self._torn.end(ending):
            yield from self._translated(one)
        yield from _drafts(self._translator.finish(ending), ())
        for what in self._translator.lost:
            self._account.cannot(_TRANSLATED, f"chat chunks have no place for {what}")

    def _translated(self, draft: Draft) -> Iterator[Draft]:
        event = draft.event
        if isinstance(event, Undecodable):
            self._account.cannot(_TRANSLATED, "an event is no JSON object, and nobody can say what it means")
            event = comment(b" " + ((event.sse.data or b"") if event.sse is not None else b""))
        faults = [change for change in draft.changes if change.rule not in _LAWFUL]
        told = tuple(_drafts(self._translator.feed(event), draft.sources, faults))
        if not told:
            self._account.drop(draft, _TRANSLATED)
        for one in told:
            self._tell_id(one)
            yield one

    def _tell_id(self, draft: Draft) -> None:
        """Tell once that the id of the answer is made up, where its protocol has none."""
        if self._translator.id_made_up and not self._told_id and draft.is_chunk:
            self._told_id = True
            draft.changes.append(Change(_TRANSLATED, "id", ABSENT, draft.json["id"], Origin.INVENTED))


def _drafts(events: Iterable[StreamEvent], sources: tuple[int, ...], changes: Iterable[Change] = ()) -> Iterator[Draft]:
    for event in events:
        yield Draft(event, sources, [*changes, Change(_TRANSLATED, "")])


def translator_of(state: RepairState, to_chat: bool) -> Foreign | None:
    """What translates a stream that is not judged as it is, or that is wanted as one ``to_chat``; None where nothing
    does. From then on the stream is one of chat, about which the foreign request says nothing."""
    make = state.api.translator()
    if make is None or (state.api.judged and not to_chat):
        return None
    translator = Foreign(state, make)
    state.api = DEFAULT
    state.asked.forget()
    return translator
