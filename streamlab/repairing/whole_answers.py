"""Answers that are one JSON object instead of a stream and tell of an error: in the shape that the API gives them."""

from __future__ import annotations

from streamlab.apis import DEFAULT, UNKNOWN, Api
from streamlab.apis.registry import rule_named
from streamlab.exchange import Ending, ResponseHead
from streamlab.record import changed
from streamlab.repairing.account import WholeAnswer
from streamlab.rules.api import concerns
from streamlab.rules.repair import ABSENT, Change, Draft, ErrorPayload, Origin, RepairState
from streamlab.rules.repairs.errors import error_shape
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.payload import JsonObject, decode_payload, encode_json
from streamlab.wire.told_errors import told_error

#: What is said of a stream that asks too much; no rule, since nothing is wrong with a stream for being long.
TOO_MUCH = "too-much-to-mend"
_LONGEST = 1 << 20
_RULE, _MEMBERS = "http-error-body-shape", "error-code-shape"


def error_body(value: JsonObject) -> JsonObject | None:
    """The error that a JSON object is, as ``{"error": ...}``; None when it is none."""
    if value.get("error"):
        return value
    found = told_error(value)
    return {"error": found} if found is not None else None


class ErrorAnswer:
    """An answer with an error status while it comes, content coding and all. ``kept`` says that it goes as it came."""

    def __init__(self, head: ResponseHead | None, body: BodyDecoder) -> None:
        self.head, self._body = head, body
        self._came = bytearray()
        self._too_long = self.kept = False

    def feed(self, data: bytes) -> list[bytes]:
        """What can go out of what comes: all, from where there is more of it than anybody looks at."""
        self._came += data
        self._too_long = self.kept = self.kept or len(self._came) > _LONGEST
        return self._take() if self.kept else []

    def finish(self, state: RepairState, ending: Ending, *, as_chat: bool) -> list[WholeAnswer] | list[bytes]:
        """The body to send, when no more comes, which the account is told of."""
        if self._too_long:
            state.account.cannot(TOO_MUCH, "no error is read from so long a body")
        whole = self._repaired(state.api, as_chat=as_chat) if ending is Ending.COMPLETE and not self.kept else None
        if whole is None:
            self.kept = True
            return self._take()
        state.account.changes.update(dict.fromkeys((change.rule for change in whole.changes), 1))
        return [whole]

    def _take(self) -> list[bytes]:
        came, self._came = bytes(self._came), bytearray()
        return [came] if came else []

    def _repaired(self, api: Api, *, as_chat: bool) -> WholeAnswer | None:
        body, head = self._plain(), self.head
        if body is None or head is None or head.status < 400:
            return None
        if api is UNKNOWN or (api.judged and not as_chat):
            return error_answer(body, head.status, DEFAULT if api is UNKNOWN else api)
        whole = error_answer(body, head.status, DEFAULT)
        return whole._replace(changes=(Change("translated", "error"),)) if whole is not None else None

    def _plain(self) -> bytes | None:
        """The body without its content coding; None where nobody can read it, or where it is too long."""
        body = bytearray()
        for piece in self._body.pieces(bytes(self._came)):
            body += piece
            if len(body) > _LONGEST:
                return None
        return bytes(body) if self._body.fault is None else None


def error_answer(body: bytes, status: int, api: Api) -> WholeAnswer | None:
    """The body of an answer with an error status as ``api`` sends it, with what was changed; None where the one that
    came is such a body. Whatever that one says stays."""
    payload = decode_payload(body)
    value: JsonObject = payload.value if payload.ok and isinstance(payload.value, dict) else {}
    said, members = value.get("type"), rule_named(_MEMBERS)
    kind_told = isinstance(said, str) and said not in ("", "error")
    kind = str(said) if kind_told else api.error_type(status)
    told = members is not None and concerns(members, api) and isinstance(value.get("error"), dict)
    if api.is_error_body(value):
        draft = Draft(ErrorPayload(None, value), ())
        if told:
            error_shape(draft, kind, kind_told=kind_told)
        return WholeAnswer(encode_json(value), tuple(draft.changes)) if draft.changes else None
    was = value.get("error", value) or body[:_SHOWN].decode("utf-8", "replace") or ABSENT
    draft = Draft(ErrorPayload(None, _with_error(value, body, status)), ())
    error_shape(draft, kind, kind_told=kind_told)
    beside, error = draft.json, draft.json.pop("error")
    answer = api.error_answer({**{key: error[key] for key in ("message", "type", "param", "code")}, **error})
    change = Change(_RULE, "error", was, answer["error"], Origin.DERIVED if body.strip() else Origin.INVENTED)
    made = [one for one in draft.changes if one.origin is Origin.INVENTED and body.strip()]
    more = [one for one in draft.changes if told and one.rule == _MEMBERS]
    more += [changed(one, rule=_RULE) for one in made if one not in more]
    rest = {key: held for key, held in beside.items() if key not in answer}
    return WholeAnswer(encode_json({**answer, **rest}), (change, *more))


_SHOWN = 200


def _with_error(value: JsonObject, body: bytes, status: int) -> JsonObject:
    """What an error answer says, with an ``error`` of some kind."""
    found = error_body(value) if value else None
    if found is None:
        text = body.decode("utf-8", "replace").strip()
        return {"error": {"message": text or f"the upstream answered {status} without a body", "code": None}}
    if found is value:
        return dict(value)
    error = found["error"]
    message = error.get("message")
    if isinstance(message, str) and message.startswith("{"):
        return found  # it is all that was said
    said = [encode_json(one) for one in error.values()]
    return {**found, **{key: held for key, held in value.items() if key != "error" and encode_json(held) not in said}}
