"""one-api in front of an OpenAI-compatible upstream: a real little gateway that loses what one-api loses.

It reads the upstream line by line, as one-api's ``StreamHandler`` does, never as events. ``upstream`` is the base URL
it forwards to, another stand-in or a real server; without one it answers as one-api does when a model has no channel.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from streamlab.standins.base import WEATHER_TOOL, Minter, Scenario, StandinServer, chat, go_json
from streamlab.standins.plain_http import (
    BrokenMessageError,
    HttpRequest,
    HttpResponse,
    JsonObject,
    UpstreamResponse,
    upstream_call,
)

#: bufio.Scanner gives up on a line that does not fit into its buffer.
LINE_LIMIT = 64 * 1024
_PREFIX = "data: "
_DONE = "[DONE]"


class GoGateway(StandinServer):
    """What one-api and its forks share: Go's headers, and their error body."""

    request_id = False

    async def start_stream(self, response: HttpResponse, mint: Minter) -> None:
        """Sends the head of an event stream."""
        headers = [
            ("Cache-Control", "no-cache"),
            ("Connection", "keep-alive"),
            ("Content-Type", "text/event-stream"),
            ("X-Accel-Buffering", "no"),
            *self._request_id(mint),
            ("Date", self.setting.date),
            ("Transfer-Encoding", "chunked"),
        ]
        await response.start(200, headers)

    async def fail(self, response: HttpResponse, mint: Minter, status: int, error: JsonObject) -> None:
        """Sends an error body; the message is given the request id that one-api adds."""
        [(_, request_id)] = self._request_id(mint) or [("", str(self.setting.epoch))]
        error = error | {"message": f"{error['message']} (request id: {request_id})"}
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            *self._request_id(mint),
            ("Date", self.setting.date),
        ]
        await response.whole(status, headers, go_json({"error": error}).encode())

    def _request_id(self, mint: Minter) -> list[tuple[str, str]]:
        return [("X-Oneapi-Request-Id", str(self.setting.epoch))] if self.request_id else []

    def upstream_url(self, path: str) -> str:
        """The upstream's URL for a path that begins with /v1; the base URL may end in /v1 or not."""
        base = (self.setting.upstream or "").rstrip("/")
        return base.removesuffix("/v1").removesuffix("/v1beta") + path


async def lines(upstream: UpstreamResponse, *, strict: bool = False) -> AsyncIterator[str]:
    """The lines of a body as bufio.Scanner gives them: a last one without its end counts, an over-long one ends all.

    With ``strict``, an upstream that breaks off raises BrokenMessageError; otherwise it looks like one that ended.
    """
    buffer = bytearray()
    try:
        async for piece in upstream.pieces:
            buffer += piece
            while (at := buffer.find(b"\n")) >= 0:
                if at >= LINE_LIMIT:
                    return
                line, buffer = buffer[:at], buffer[at + 1 :]
                yield line.removesuffix(b"\r").decode("utf-8", "replace")
            if len(buffer) >= LINE_LIMIT:
                return
    except (BrokenMessageError, ConnectionError) as cut:
        if strict:
            raise BrokenMessageError("unexpected EOF") from cut
    if buffer:
        yield buffer.removesuffix(b"\r").decode("utf-8", "replace")


def _choices(line: str) -> Any:
    """The chunk's choices when the line is a JSON chunk; None when it is no JSON, [] when it has none."""
    try:
        chunk = json.loads(line[len(_PREFIX) :])
    except ValueError:
        return None
    return chunk.get("choices") or [] if isinstance(chunk, dict) else None


class OneApi(GoGateway):
    """The relay of one release; see `versions`."""

    name = "oneapi"
    description = (
        "one-api as a gateway (needs upstream=URL): drops data: lines without a space, tears events, masks cuts"
    )
    versions = ("v0.6.7", "v0.6.6", "v0.6.8-alpha.1", "v0.6.8", "v0.6.10", "pr-2114")
    request_id = True
    scenarios = (
        Scenario(
            "tgi-no-space",
            "TGI 2.0.4 writes data: without a space, every line is thrown away: 200 with no body at all.",
            "one-api (TGI's form is legal)",
            chat("tgi", "Why is the sea salty?"),
            ("empty-200",),
            {"version": "v0.6.7"},
            ("tgi", {"version": "2.0.4"}),
        ),
        Scenario(
            "tgi-only-done",
            "The same through a later one-api: nothing but [DONE], 14 bytes.",
            "one-api (TGI's form is legal)",
            chat("tgi", "Why is the sea salty?"),
            ("only-done",),
            {"version": "v0.6.10"},
            ("tgi", {"version": "2.0.4"}),
        ),
        Scenario(
            "glm4-newline",
            "GLM-4's multi-line event torn into one event a line; the first is empty: Unexpected end of JSON input.",
            "GLM-4's demo server, made worse by one-api",
            chat("glm-4", "How can I sleep better?"),
            ("sse-empty-data-event", "plain-text-in-data", "finish-reason-missing", "done-missing"),
            {"version": "v0.6.6"},
            ("glm4", {"version": "abe93e0"}),
        ),
        Scenario(
            "chatglm3-only-done",
            "ChatGLM3's empty 200, seen through one-api: a lone [DONE].",
            "ChatGLM3's demo server",
            chat("chatglm3-6b", "三加四等于几？只写数字。"),
            ("only-done",),
            {"version": "v0.6.10"},
            ("chatglm3", {}),
        ),
        Scenario(
            "masked-cut",
            "The upstream is cut in the middle of the answer; one-api ends the stream as if it were whole.",
            "the upstream, hidden by one-api",
            chat("cut-between-chunks", "Why is the sea salty?"),
            ("gateway-masks-truncation", "finish-reason-missing"),
            {"version": "v0.6.10"},
            ("faulty", {}),
        ),
        Scenario(
            "swallowed-error",
            "The upstream's error event is swallowed; the client gets a short answer and [DONE].",
            "one-api",
            chat("error-midstream", "Why is the sea salty?"),
            ("gateway-masks-truncation", "finish-reason-missing"),
            {"version": "v0.6.7"},
            ("faulty", {}),
        ),
        Scenario(
            "double-done",
            "[DONE] is relayed and then sent again.",
            "one-api v0.6.8-alpha.1",
            chat("gpt-4.1-mini", "Why is the sea salty?"),
            ("done-duplicate-or-early",),
            {"version": "v0.6.8-alpha.1"},
            ("openai", {}),
        ),
        Scenario(
            "long-line",
            "A line over 64 KiB ends the relay: the rest is lost, the end looks proper.",
            "one-api",
            chat("huge-line", "Why is the sea salty?"),
            ("gateway-masks-truncation", "finish-reason-missing"),
            {"version": "v0.6.10"},
            ("faulty", {}),
        ),
        Scenario(
            "error-200",
            "The upstream answers 200 with a JSON error; one-api passes it on with status 200.",
            "the upstream, passed on by one-api",
            chat("json-error-200", "Why is the sea salty?"),
            ("http-status-200-on-error",),
            {"version": "v0.6.7"},
            ("faulty", {}),
        ),
        Scenario(
            "clean",
            "A conforming upstream passes through unharmed.",
            "nobody",
            chat("gpt-4.1-mini", "What is the weather in Oslo?", tools=[WEATHER_TOOL]),
            (),
            {"version": "v0.6.10"},
            ("openai", {}),
        ),
    )

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        mint = self.minter(request)
        if self.setting.upstream is None:
            await self._no_channel(request, response, mint)
            return
        headers = [(n, v) for n, v in request.headers if n in ("content-type", "authorization", "accept")]
        try:
            call = upstream_call(self.upstream_url(request.target), request.method, headers, request.body)
            async with call as upstream:
                await self._relay(request, upstream, response, mint)
        except (OSError, BrokenMessageError) as failed:
            if response.started:
                raise
            error = {"message": f"do request failed: {failed}", "type": "one_api_error", "param": ""}
            await self.fail(response, mint, 500, error | {"code": "do_request_failed"})

    async def _no_channel(self, request: HttpRequest, response: HttpResponse, mint: Minter) -> None:
        try:
            model = request.json().get("model", "")
        except ValueError:
            model = ""
        message = f"当前分组 default 下对于模型 {model} 无可用渠道"
        await self.fail(response, mint, 503, {"message": message, "type": "one_api_error", "param": "", "code": None})

    async def _relay(
        self, request: HttpRequest, upstream: UpstreamResponse, response: HttpResponse, mint: Minter
    ) -> None:
        try:
            streamed = bool(request.json().get("stream"))
        except ValueError:
            streamed = False
        is_json = upstream.header("content-type").startswith("application/json")
        if upstream.status != 200 or (streamed and is_json):
            await self._upstream_error(upstream, response, mint)
            return
        if not streamed:
            headers = [("Content-Type", upstream.header("content-type")), *self._request_id(mint)]
            await response.whole(200, [*headers, ("Date", self.setting.date)], await upstream.read())
            return
        await self.start_stream(response, mint)
        if self.setting.version in ("v0.6.6", "v0.6.7"):
            await self._until_v0_6_7(upstream, response)
        else:
            await self._since_v0_6_8(upstream, response)
        await response.end()

    async def _upstream_error(self, upstream: UpstreamResponse, response: HttpResponse, mint: Minter) -> None:
        try:
            error = json.loads(await upstream.read())["error"]
            shaped = {key: error.get(key) or "" for key in ("message", "type", "param")} | {"code": error.get("code")}
        except (ValueError, KeyError, TypeError, AttributeError):
            shaped = {
                "message": f"bad response status code {upstream.status}",
                "type": "upstream_error",
                "param": str(upstream.status),
                "code": "bad_response_status_code",
            }
        await self.fail(response, mint, upstream.status, shaped)

    async def _until_v0_6_7(self, upstream: UpstreamResponse, response: HttpResponse) -> None:
        async for line in lines(upstream):
            if line[:6] in (_PREFIX, _DONE) and _choices(line) != []:
                await response.send(_custom_event(line[:12] if line.startswith("data: [DONE]") else line))

    async def _since_v0_6_8(self, upstream: UpstreamResponse, response: HttpResponse) -> None:
        version, done_sent = self.setting.version, False
        async for line in lines(upstream):
            if version == "pr-2114":
                if line.strip() == _DONE:
                    line = f"data: {_DONE}"
                elif line.startswith("data:"):
                    line = _PREFIX + line[5:].removeprefix(" ")
            if line[:6] not in (_PREFIX, _DONE):
                continue
            if line.startswith(f"data: {_DONE}"):
                done_sent = True
            elif _choices(line) == [] and not (version in ("v0.6.10", "pr-2114") and _has_usage(line)):
                continue
            await response.send(f"data: {line.removeprefix(_PREFIX)}\n\n".encode())
        if not done_sent or version == "v0.6.8-alpha.1":
            await response.send(b"data: [DONE]\n\n")


def _custom_event(line: str) -> bytes:
    """one-api's own event writer ends an event only when the text begins with ``data``."""
    return (line + ("\n\n" if line.startswith("data") else "")).encode()


def _has_usage(line: str) -> bool:
    return bool(json.loads(line[len(_PREFIX) :]).get("usage"))
