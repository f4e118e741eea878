"""Whether rules ran over an answer at all: without that, an exchange without findings is not called clean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlab.apis import Api
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.rules.state import RuleState
from streamlab.wire.bodies import BodyKind

_WITHOUT_BODY = ("HEAD", "OPTIONS", "CONNECT")
#: Why nothing is judged or repaired where there were JSON objects to tell by.
OF_NOBODY = "nothing in it betrays an API that is known here"
_LEFT_OUT = {
    "unknown": "the body is not in the recording",
    "shortened": "the paste is shortened: what its dots stand for is not known",
}
_ENDED = {
    Ending.UNREACHABLE: "the upstream could not be reached",
    Ending.UPSTREAM_CUT: "the connection ended",
    Ending.CLIENT_LEFT: "the client left",
    Ending.TIMED_OUT: "the time ran out",
    Ending.INTERRUPTED: "the recording was interrupted",
    Ending.COMPLETE: "nothing came",
}


def has_no_body(request: Request | None) -> str | None:
    """Why an answer to this request has no body by its nature, in a phrase; None where it may have one."""
    method = request.method.upper() if request is not None else "POST"
    return f"the answer to {method} has no body" if method in _WITHOUT_BODY else None


def left_out(notes: Mapping[str, Any]) -> str | None:
    """Why the body is not there to be judged, in a phrase; None where it is. A browser's archive may tell its size and
    no more, and people shorten what they paste."""
    return _LEFT_OUT.get(str(notes.get("body")))


def nothing_came(request: Request | None, head: ResponseHead | None, size: int, ending: Ending) -> str | None:
    """Why there is no answer to judge or to repair, in a phrase; None where something came.

    An empty body that ended properly is an answer, and a wrong one.
    """
    if (bodiless := has_no_body(request)) and not size:
        return bodiless
    if size or (head is not None and ending is Ending.COMPLETE):
        return None
    if head is None:
        return "no response was recorded" if ending is Ending.COMPLETE else f"{_ENDED[ending]} before a response came"
    return f"{_ENDED[ending]} before a byte of the body came"


def why_not_judged(ctx: RuleState, came: Api, *, foreign: bool, riddle: bool) -> str | None:
    """Why no rules of the API ran over an answer, in a phrase; None where they did.

    ``came`` is the API whose answer it is as far as anything tells, ``foreign`` whether the path promised another one,
    ``riddle`` whether it is of none that is known here.
    """
    if ctx.ending is None or ctx.notes.get("in_progress"):
        return "still recording"
    if (missing := left_out(ctx.notes)) is not None:
        return missing
    nothing = nothing_came(ctx.request, ctx.head, ctx.received.body_bytes, ctx.ending)
    if nothing is not None:
        return nothing
    if foreign or not ctx.api.judged:
        return (came if foreign else ctx.api).not_judged
    if riddle or (came.name == "unknown" and _is_no_answer(ctx)):
        return OF_NOBODY
    if _is_whole_as_asked(ctx):
        return "a whole answer, as was asked for: rules judge streams"
    return None


def _is_no_answer(ctx: RuleState) -> bool:
    """Whether a body that nobody expects to be a stream is none."""
    return ctx.received.kind in (BodyKind.TEXT, BodyKind.HTML) and not ctx.streamed and _ok(ctx)


def _ok(ctx: RuleState) -> bool:
    return ctx.head is None or 200 <= ctx.head.status < 300


def _is_whole_as_asked(ctx: RuleState) -> bool:
    return _ok(ctx) and ctx.received.kind is BodyKind.JSON and not ctx.streamed
