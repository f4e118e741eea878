"""Wire faults on demand: the model name says what goes wrong. Up to the fault, the stream is OpenAI's.

`FAULTS` lists the names. Any other model name is answered as OpenAI would answer it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar

from streamlab.standins.answers import tidied
from streamlab.standins.base import Minter, Scenario, StandinServer, chat, compact
from streamlab.standins.openai_api import Answer
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

_DONE = b"data: [DONE]\n\n"
_CHUNKED = ("Transfer-Encoding", "chunked")
_HTML = b"<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body><h1>Checking</h1></body></html>\n"
_PROMPT = "Why is the sea salty?"


class Play:
    """One request to be answered wrongly: the pieces of a good answer, and the means to send them."""

    def __init__(self, server: Faulty, body: JsonObject, response: HttpResponse, mint: Minter) -> None:
        self.server = server
        self.response = response
        self.answer = Answer(body | {"model": body["model"] or "faulty"}, mint, server.setting.epoch)

    def events(self) -> list[bytes]:
        """The events of a good stream, without [DONE]."""
        return [event(chunk) for chunk in self.answer.chunks()]

    def head(self, content_type: str = "text/event-stream; charset=utf-8") -> list[tuple[str, str]]:
        return [("Date", self.server.setting.date), ("Content-Type", content_type)]

    async def start(self, *headers: tuple[str, str]) -> None:
        await self.response.start(200, [*self.head(), *(headers or (_CHUNKED,))])

    async def send(self, pieces: list[bytes]) -> None:
        """Sends pieces, each in an HTTP chunk of its own, a gap before each."""
        for piece in pieces:
            await self.server.setting.generate()
            await self.response.send(piece)

    async def stream(self, pieces: list[bytes]) -> None:
        """A whole event stream with these pieces."""
        await self.start()
        await self.send(pieces)
        await self.response.end()

    async def json(self, status: int, answer: Any, *headers: tuple[str, str]) -> None:
        await self.response.whole(status, [*self.head("application/json"), *headers], compact(answer).encode())


def event(chunk: Any) -> bytes:
    return f"data: {compact(chunk)}\n\n".encode()


def _error(message: str, kind: str, code: str | None) -> JsonObject:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


async def cut_mid_chunk(play: Play) -> None:
    """An HTTP chunk is announced, half of it sent, and the connection closed."""
    events = play.events()
    await play.start()
    await play.send(events[:4])
    await play.response.raw(b"%x\r\n%b" % (len(events[4]), events[4][: len(events[4]) // 2]))
    play.response.cut()


async def cut_between_chunks(play: Play) -> None:
    """The connection is closed after a whole HTTP chunk, without the last one."""
    await play.start()
    await play.send(play.events()[:5])
    play.response.cut()


async def reset_mid_stream(play: Play) -> None:
    """The connection is reset (RST) in the middle of the answer."""
    await play.start()
    await play.send(play.events()[:5])
    await play.server.setting.generate(10)  # what was sent must have left before it is thrown away
    play.response.reset()


async def reset_before_head(play: Play) -> None:
    """The connection is reset before any answer."""
    play.response.reset()


async def close_before_head(play: Play) -> None:
    """The connection is closed before any answer."""
    play.response.cut()


async def close_after_head(play: Play) -> None:
    """A 200 head, then the connection is closed."""
    await play.start()
    play.response.cut()


async def stall(play: Play) -> None:
    """Three events, then silence until the client leaves."""
    await play.start()
    await play.send(play.events()[:3])
    await play.response.until_client_leaves()


async def pause(play: Play) -> None:
    """A silence of a hundred tokens in the middle; the answer is complete."""
    events = play.events()
    await play.start()
    await play.send(events[:4])
    await play.server.setting.generate(100)
    await play.send([*events[4:], _DONE])
    await play.response.end()


async def never_answers(play: Play) -> None:
    """No head, no byte, until the client leaves."""
    await play.response.until_client_leaves()


async def html_200(play: Play) -> None:
    """A web page with status 200: a challenge or a login page."""
    await play.response.whole(200, play.head("text/html; charset=utf-8"), _HTML)


async def json_error_200(play: Play) -> None:
    """A JSON error with status 200."""
    await play.json(200, _error("The model is overloaded.", "server_error", "overloaded"))


async def json_instead(play: Play) -> None:
    """A whole completion as JSON although a stream was asked for."""
    await play.json(200, play.answer.completion())


async def rate_limit_429(play: Play) -> None:
    """429 with Retry-After, in OpenAI's error shape."""
    error = _error("Rate limit reached for requests.", "requests", "rate_limit_exceeded")
    await play.json(429, error, ("Retry-After", "2"), ("retry-after-ms", "2000"))


async def error_500(play: Play) -> None:
    """500 in OpenAI's error shape."""
    await play.json(500, _error("The server had an error while processing your request.", "server_error", None))


async def bad_gateway_502(play: Play) -> None:
    """502 with a reverse proxy's web page."""
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
    await play.response.whole(502, play.head("text/html"), page)


async def gzip_stream(play: Play) -> None:
    """The stream is gzipped, flushed after each event."""
    await _compressed(play, "gzip", zlib.compressobj(wbits=31))


async def gzip_members(play: Play) -> None:
    """Each event is gzipped by itself: one member after another."""
    await play.start(("Content-Encoding", "gzip"), _CHUNKED)
    await play.send([gzip.compress(piece, mtime=0) for piece in [*play.events(), _DONE]])
    await play.response.end()


async def deflate_stream(play: Play) -> None:
    """The stream is deflated, flushed after each event."""
    await _compressed(play, "deflate", zlib.compressobj())


async def _compressed(play: Play, coding: str, packer: Any) -> None:
    pieces = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in [*play.events(), _DONE]]
    await play.start(("Content-Encoding", coding), _CHUNKED)
    await play.send([*pieces, packer.flush()])
    await play.response.end()


async def close_delimited(play: Play) -> None:
    """No Content-Length and no chunks: the close ends the body."""
    await play.start(("Connection", "close"))
    await play.send([*play.events(), _DONE])


async def content_length(play: Play) -> None:
    """The whole stream at once, with a Content-Length."""
    await play.response.whole(200, play.head(), b"".join(play.events()) + _DONE)


async def content_length_short(play: Play) -> None:
    """A Content-Length that promises more than comes before the close."""
    body = b"".join(play.events())
    await play.start(("Content-Length", str(len(body) + len(_DONE))))
    await play.response.send(body)
    play.response.cut()


async def bad_chunk_size(play: Play) -> None:
    """The HTTP chunk framing itself breaks in the middle."""
    await play.start()
    await play.send(play.events()[:3])
    await play.response.raw(b"zz\r\n")
    play.response.cut()


async def content_type_plain(play: Play) -> None:
    """A good stream labelled text/plain."""
    await play.response.start(200, [*play.head("text/plain"), _CHUNKED])
    await play.send([*play.events(), _DONE])
    await play.response.end()


async def empty_200(play: Play) -> None:
    """200, an event stream, no byte."""
    await play.stream([])


async def only_done(play: Play) -> None:
    """Nothing but [DONE]."""
    await play.stream([_DONE])


async def no_done(play: Play) -> None:
    """Everything but [DONE]."""
    await play.stream(play.events())


async def no_finish(play: Play) -> None:
    """No finish chunk, then [DONE]."""
    await play.stream([*play.events()[:-1], _DONE])


async def done_twice(play: Play) -> None:
    """[DONE] twice."""
    await play.stream([*play.events(), _DONE, _DONE])


async def bad_json(play: Play) -> None:
    """One event's JSON is cut short; the stream goes on."""
    events = play.events()
    await play.stream([*events[:3], events[3][:-12] + b"\n\n", *events[4:], _DONE])


async def error_midstream(play: Play) -> None:
    """An error event in OpenAI's shape instead of the rest, then [DONE]."""
    error = _error("The model produced invalid content.", "model_error", None)
    await play.stream([*play.events()[:4], event(error), _DONE])


async def error_string(play: Play) -> None:
    """An error event that is a plain string, and the end."""
    await play.stream([*play.events()[:4], event({"error": "out of memory"})])


async def ping_event(play: Play) -> None:
    """sse-starlette before 1.4: pings are events whose data is a date."""
    events = [piece.replace(b"\n", b"\r\n") for piece in [*play.events(), _DONE]]
    ping = b"event: ping\r\ndata: 2026-01-05 10:00:00.000000\r\n\r\n"
    await play.stream([*events[:2], ping, *events[2:]])


async def crlf_comments(play: Play) -> None:
    """CRLF line ends and comments between the events: legal."""
    events = [piece.replace(b"\n", b"\r\n") for piece in [*play.events(), _DONE]]
    await play.stream([b": hello\r\n\r\n", *events[:3], b": still here\r\n\r\n", *events[3:]])


async def split_utf8(play: Play) -> None:
    """HTTP chunks of seven bytes, so characters and lines are cut anywhere: legal."""
    body = b"".join(play.events()) + _DONE
    await play.start()
    for at in range(0, len(body), 7):
        await play.response.send(body[at : at + 7])
    await play.response.end()


async def huge_line(play: Play) -> None:
    """One event of 80,000 characters: legal, and too long for some gateways."""
    events = play.events()
    chunk = next(play.answer.chunks())
    chunk["choices"][0]["delta"] = {"content": "salt and water " * 5400}
    await play.stream([*events[:3], event(chunk), *events[3:], _DONE])


async def burst(play: Play) -> None:
    """Two thousand events in one write, with an HTTP chunk each."""
    piece = play.events()[1]
    events = [play.events()[0], *[piece] * 2000, play.events()[-1], _DONE]
    await play.start()
    await play.response.raw(b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events))
    await play.response.end()


Fault = Callable[[Play], Awaitable[None]]


def _listed(*faults: Fault) -> dict[str, Fault]:
    return {fault.__name__.replace("_", "-"): fault for fault in faults}


#: Model name -> what happens.
FAULTS: dict[str, Fault] = _listed(
    cut_mid_chunk,
    cut_between_chunks,
    reset_mid_stream,
    reset_before_head,
    close_before_head,
    close_after_head,
    stall,
    pause,
    never_answers,
    html_200,
    json_error_200,
    json_instead,
    rate_limit_429,
    error_500,
    bad_gateway_502,
    gzip_stream,
    gzip_members,
    deflate_stream,
    close_delimited,
    content_length,
    content_length_short,
    bad_chunk_size,
    content_type_plain,
    empty_200,
    only_done,
    no_done,
    no_finish,
    done_twice,
    bad_json,
    error_midstream,
    error_string,
    ping_event,
    crlf_comments,
    split_utf8,
    huge_line,
    burst,
)
#: Model name -> the rules that have to report it; a fault that is not here is legal, or needs a client that gives up.
_RULES: dict[str, tuple[str, ...]] = {
    "cut-mid-chunk": ("truncated-chunked-body",),
    "cut-between-chunks": ("truncated-chunked-body",),
    "reset-mid-stream": ("truncated-chunked-body",),
    "close-after-head": ("truncated-chunked-body",),
    "content-length-short": ("content-length-mismatch",),
    "bad-chunk-size": ("truncated-chunked-body",),
    "html-200": ("html-body-200",),
    "json-instead": ("nonstream-json-for-stream",),
    "json-error-200": ("http-status-200-on-error",),
    "bad-gateway-502": ("http-error-body-shape",),
    "gzip-members": ("gzip-several-members",),
    "content-type-plain": ("content-type-not-event-stream",),
    "empty-200": ("empty-200",),
    "only-done": ("only-done",),
    "no-done": ("done-missing",),
    "no-finish": ("finish-reason-missing",),
    "done-twice": ("done-duplicate-or-early",),
    "bad-json": ("json-truncated",),
    "error-midstream": ("error-midstream-standard",),
    "error-string": ("error-string",),
    "ping-event": ("sse-ping-event-with-data",),
    "crlf-comments": ("sse-line-endings", "sse-comment-keepalive"),
}
_UNENDING = ("stall", "never-answers")


def _scenarios() -> Iterator[Scenario]:
    for name, fault in FAULTS.items():
        if name not in _UNENDING:
            shows = (fault.__doc__ or "").strip()
            yield Scenario(name, shows, "the server", chat(name, _PROMPT), _RULES.get(name, ()))


class Faulty(StandinServer):
    """Breaks as the model name says."""

    name = "faulty"
    description = "wire faults by model name: cuts, resets, stalls, pages of HTML, 429, gzip, missing ends"
    versions = ("1",)
    scenarios: ClassVar[tuple[Scenario, ...]] = tuple(_scenarios())

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            body = tidied(request.json())
        except ValueError:
            body = tidied({})
        play = Play(self, body, response, self.minter(request))
        fault = FAULTS.get(body["model"])
        if fault is not None:
            await fault(play)
        elif body.get("stream"):
            await play.stream([*play.events(), _DONE])
        else:
            await play.json(200, play.answer.completion())
