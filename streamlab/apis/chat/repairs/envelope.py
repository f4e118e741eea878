"""The members that are the same in every chunk of a stream: id, object, created, model; and the list of choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.restarts import STEADY, is_text_again, starts_over
from streamlab.exchange import Ending
from streamlab.redaction.placeholders import changed_by_recorder, is_placeholder
from streamlab.rules.repair import ABSENT, Change, Draft, Drafts, Origin, Repair, RepairState, Stage
from streamlab.rules.repairs.framing import comment
from streamlab.wire import reading
from streamlab.wire.choice_parts import kinds_of
from streamlab.wire.creation_times import date_of, seconds_of
from streamlab.wire.keepalives import is_filter_prelude, is_keepalive, named_by, names_no_answer, says_nothing
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact

KNOWN_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_OBJECTS = {api_names.CHAT: "chat.completion.chunk", api_names.COMPLETIONS: "text_completion"}
_MAX_HELD = 64


class Envelope(Repair):
    """One id, object, created and model for the whole stream: the first good value, the request's, or a made one."""

    rules = (
        "chunk-id-changes",
        "chunk-id-missing-or-empty",
        "object-wrong",
        "created-wrong-type",
        "model-missing-or-changes",
        "service-tier-unknown",
        "choices-missing-or-null",
        "usage-chunk-choices-null",
        "keepalive-chunk",
    )
    stage = Stage.ENVELOPE
    minds = 0
    on = Fact.ENVELOPE | Fact.FIRST | Fact.NO_CHOICES | Fact.ROLE
    holds_back = "chunks that say nothing, or call themselves keep-alives, until the first that does not (64 at most)"
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._constants: JsonObject = {}
        self._held: list[Draft] = []
        self._roles: set[int] = set()  # choices that have said their role
        self._seams: list[tuple[int, int]] = []  # choices under the first other id, and how much text they had
        self._steady = True  # whether the id has not changed but where the answer started over

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            return (*self._let_go(), draft)
        if _is_azure_prelude(draft.json):
            if "object" not in draft.json and is_filter_prelude(draft.json):
                draft.put("object-wrong", draft.json, "object", "", "", Origin.INVENTED)
                self.awake = True
            return (draft,)
        named = named_by(draft.json) is not None
        if named and is_keepalive(draft.json):
            self.awake = True  # the next one may equal it, envelope and all
            return (self._kept_alive(draft),)
        hollow = says_nothing(draft.json)
        in_doubt = not self._held and named  # the next one tells whose name that is
        nobody = hollow or in_doubt or _is_aside(draft.json) or (named and names_no_answer(draft.json))
        if not self._constants and nobody and len(self._held) < _MAX_HELD:
            self._held.append(draft)
            self.awake = True
            return ()
        if hollow and self._is_another(draft.json):
            self.awake = True
            return (self._kept_alive(draft),)
        self._note_seam(draft.json)
        if self._starts_over(draft.json):
            self.state.restarted_at = self.state.at
            self.state.account.cannot("answer-starts-over", "a second answer begins in the middle of the first")
            self._constants = {}
        self._roles |= {
            reading.choice_index(one) for one in reading.choices(draft.json) if reading.delta(one).get("role")
        }
        if not self._constants and reading.choices(draft.json):
            self._settle(draft.json, *(held.json for held in self._held))
        return (*self._let_go(), *self._repaired(draft))

    def end(self, ending: Ending) -> Drafts:
        for index, length in self._seams:
            if is_text_again(self.state.texts.text(index) or "", length):
                self.state.account.cannot("answer-starts-over", "under another id, the text of the answer begins anew")
        return tuple(self._let_go())

    def _note_seam(self, chunk: JsonObject) -> None:
        """Remember where the first other id comes: only the text that follows tells whether another answer begins."""
        given = chunk.get("id")
        if self._seams or type(given) is not str or not given or self.state.api.name != api_names.CHAT:
            return
        if self.state.chunks >= STEADY and _differ(self._constants.get("id", given), given) and not self._made_up:
            indexes = map(reading.choice_index, reading.choices(chunk))
            self._seams = [(index, self.state.texts.length(index)) for index in indexes]

    def _starts_over(self, chunk: JsonObject) -> bool:
        before, given = self._constants.get("id"), chunk.get("id")
        if before is None or given == before or self.state.api.name != api_names.CHAT:
            return False
        over = starts_over(
            chunk,
            before,
            chunks=self.state.chunks,
            under_way=self._under_way,
            steady=self._steady and not self._made_up and "role-every-chunk" not in self.state.account.changes,
        )
        self._steady = over
        return over

    def _under_way(self, index: int) -> bool:
        """Whether a choice has said something and has not finished."""
        state = self.state
        said = state.texts.length(index) or state.calls or any(map(kinds_of, reading.deltas(state.last or {})))
        return bool(said) and index in self._roles and index not in state.finished

    def _is_another(self, chunk: JsonObject) -> bool:
        """Whether a chunk that says nothing has an id, and another than the answer's."""
        given = chunk.get("id")
        return bool(given) and _differ(self._constants.get("id", given), given)

    def _kept_alive(self, draft: Draft) -> Draft:
        """A heartbeat in the clothes of a chunk, as the comment that it should be."""
        self.state.no_answer.choices.update(map(reading.choice_index, reading.choices(draft.json)))
        draft.changes.append(Change("keepalive-chunk", "", draft.json, ":"))
        draft.event = comment(b" keep-alive")
        return draft

    def _let_go(self) -> Iterator[Draft]:
        """What said nothing, and was held back until it is known which answer it belongs to."""
        held, self._held = self._held, []
        for draft in held:
            if self._is_another(draft.json) and says_nothing(draft.json):
                yield self._kept_alive(draft)
            else:
                yield from self._repaired(draft)

    def _repaired(self, draft: Draft) -> Drafts:
        chunk = draft.json
        made = draft.event.sse is None and "choices" in chunk and draft.changes
        if made and "id" not in chunk and "object" not in chunk:
            self._complete(chunk)
            return (draft,)
        before = len(draft.changes)
        if not self._constants:
            self._settle(chunk)
        for key, rule in _CONSTANTS:
            value = self._constants[key]
            if key == "id" and self._is_recorders(chunk.get(key)):
                continue
            if chunk.get(key, ABSENT) != value or type(chunk[key]) is not type(value):
                draft.put(rule(chunk.get(key)), chunk, key, value, "", self._origin(key, chunk))
        self._choices(draft, chunk)  # by the model that goes out
        tier = chunk.get("service_tier")
        if tier is not None and not (isinstance(tier, str) and tier in KNOWN_TIERS):
            draft.drop("service-tier-unknown", chunk, "service_tier", "")
        if len(draft.changes) > before:
            self.awake = True
        return (draft,)

    def _is_recorders(self, given: Any) -> bool:
        """Whether a chunk's id differs from the answer's because a recorder replaced one of them: nobody knows what
        stood there. The other one counts from then on."""
        known = self._constants["id"]
        if type(given) is not str or not given or not changed_by_recorder(known, given):
            return False
        if is_placeholder(known):
            self._constants["id"] = given
        return True

    def _complete(self, chunk: JsonObject) -> None:
        """A chunk that another repair made gets the stream's envelope."""
        if not self._constants:
            self._settle(chunk)
        members = dict(chunk)
        chunk.clear()
        chunk.update({**self._constants, **members})

    def _origin(self, key: str, chunk: JsonObject) -> Origin:
        unsaid = key == self._made_up or key in self._unsaid or (key == "object" and not chunk.get(key))
        return Origin.INVENTED if unsaid else Origin.DERIVED

    _made_up = ""
    _unsaid: frozenset[str] = frozenset()  # what else no chunk says, nor the request or the head

    def _settle(self, chunk: JsonObject, *before: JsonObject) -> None:
        """The constants, from the first chunk that says anything; what it lacks, from those before it."""
        body = self.state.body
        chunk = {**chunk, **{key: value for other in before for key, value in other.items() if not chunk.get(key)}}
        call_id, model = chunk.get("id"), chunk.get("model")
        if not (isinstance(call_id, str) and call_id):
            self._made_up = "id"
            import hashlib  # deferred: it loads OpenSSL

            call_id = "chatcmpl-" + hashlib.sha256(encode_json([body, chunk])).hexdigest()[:29]
        if not (isinstance(model, str) and model):
            asked = body.get("model")
            model = asked if isinstance(asked, str) and asked else "unknown"
            self._unsaid |= {"model"} if model == "unknown" else set()
        created = seconds_of(chunk.get("created"))
        if created is None:
            created = date_of(self.state.head)
            self._unsaid |= set() if created else {"created"}
        self._constants = {
            "id": call_id,
            "object": _OBJECTS[self.state.api.name],
            "created": created,
            "model": model,
        }

    def _choices(self, draft: Draft, chunk: JsonObject) -> None:
        if type(chunk.get("choices")) is list or "type" in chunk:
            return
        if "choices" not in chunk and (self.state.audio or reading.is_of_audio_model(chunk)):
            return  # OpenAI's own audio chunks
        rule = "usage-chunk-choices-null" if reading.usage(chunk) is not None else "choices-missing-or-null"
        listed = chunk.get("choices")
        draft.put(rule, chunk, "choices", [listed] if type(listed) is dict else [], "")


def _is_azure_prelude(chunk: JsonObject) -> bool:
    """Azure's chunks without choices carry filter results and an empty envelope, by design."""
    return chunk.get("choices") == [] and "usage" not in chunk and not chunk.get("id") and not chunk.get("object")


def _is_aside(chunk: JsonObject) -> bool:
    """Whether a chunk has no choices: what it tells is the vendor's own, and so may its envelope be. Usage is no more
    than that where it has no id."""
    nothing = type(chunk.get("choices")) is not dict and not reading.choices(chunk) and "type" not in chunk
    return nothing and (reading.usage(chunk) is None or not chunk.get("id")) and not chunk.get("error")


def _differ(before: Any, given: Any) -> bool:
    """Whether two ids are of two answers, as far as anybody knows."""
    return bool(before != given) and not changed_by_recorder(before, given)


def _id_rule(value: Any) -> str:
    return "chunk-id-changes" if isinstance(value, str) and value else "chunk-id-missing-or-empty"


_CONSTANTS = (
    ("id", _id_rule),
    ("object", lambda value: "object-wrong"),
    ("created", lambda value: "created-wrong-type"),
    ("model", lambda value: "model-missing-or-changes"),
)
