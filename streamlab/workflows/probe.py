"""Asking a live server the fixed questions, through the real relay and recorder, and judging what was recorded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from streamlab.apis import APIS, DEFAULT
from streamlab.apis.question import STEADY, Question
from streamlab.comparing.attribution import attributed
from streamlab.comparing.features import Feature, ModeOutcome, Support, feature_of, judge
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.record import changed
from streamlab.rules.api import Api
from streamlab.servers.listening import bind, raise_file_limit
from streamlab.servers.relay import Relay, Route
from streamlab.servers.upstream import Upstream, parse_upstream
from streamlab.sharing.shown import as_shown
from streamlab.sharing.wanted import ALL_KNOWN
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.recorder_process import Recording, start
from streamlab.wire.visible import visible

#: The APIs that have questions, by the names of their folders.
ASKED = {api.folder: api for api in APIS if tuple(api.questions())}
LABEL = "probe"
GATEWAY, DIRECT = "probed", "direct"
#: Answers in a row that never came, or never ended, after which nothing more is asked.
_PATIENCE = 3
#: Bytes of one answer that are read at most.
_MAX_ANSWER = 16 * 1024 * 1024

#: What is told while asking: how many requests are done, how many there are, the question.
Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked of whom. ``timeout`` bounds each answer, in seconds. ``direct`` is the server behind
    a gateway, and ``direct_model`` what it calls the model, where that differs."""

    base_url: str
    model: str | None = None
    direct: str | None = None
    direct_model: str | None = None
    timeout: float = 60.0
    db: Path | None = None
    api: Api = DEFAULT

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is asked."""
        return tuple(self.api.questions())


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of it. ``notes`` say what was left out of the questions; ``stopped`` why not all were asked."""

    base_url: str
    model: str
    features: tuple[Feature, ...]
    direct_url: str | None
    direct: tuple[Feature, ...]
    notes: tuple[str, ...]
    stopped: str | None
    db: Path

    @property
    def clean(self) -> bool:
        """Whether nothing deviates, and everything was asked."""
        return self.stopped is None and all(one.state is not Support.DEVIATES for one in self.features)


@dataclass(slots=True)
class _Asked:
    """One request that was sent: to whom, which question, and its exact body."""

    tap: str
    question: Question
    stream: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the asking side saw: the status, None when no answer came; the error's text; whether it came to its end."""

    status: int | None
    text: str = ""
    ended: bool = True
    unreachable: bool = False


def probe(asked: Probe, db: Path, told: Told) -> Probed:
    """Ask everything, record it into ``db``, judge it. Call it before threads or an event loop exist.

    Raises UsageError (no model to ask for), CouldNotRunError (the server cannot be reached at all).
    """
    upstreams = {GATEWAY: parse_upstream(asked.base_url)}
    if asked.direct:
        upstreams[DIRECT] = parse_upstream(asked.direct)
    before = _last_id(db)
    raise_file_limit()
    with contextlib.ExitStack() as stack:
        listeners = {tap: stack.enter_context(contextlib.closing(bind("127.0.0.1", 0))) for tap in upstreams}
        recorder = start(Recording(db, LABEL, _Silent))
        recorder.wait_ready()
        try:
            session = asyncio.run(_session(asked, upstreams, listeners, recorder.tap, told))
        finally:
            recorded = recorder.finish()
    if not recorded:
        raise CouldNotRunError(f"{db}: the answers could not be recorded")
    return _judged(asked, session, db, before)


def _last_id(db: Path) -> int:
    if not db.exists():
        return 0
    with CaptureDB(db) as database:
        return max((row.id for row in database.overview(after=0)), default=0)


class _Silent:
    """The recorder's display: the probe has its own."""

    def changed(self, draft: Any) -> None:
        """Nothing to draw."""

    def warn(self, message: str) -> None:
        """Trouble shows in `RecorderProcess.finish`."""

    def tick(self) -> bool:
        """Nothing to draw."""
        return False

    def close(self) -> None:
        """Nothing to close."""


# -- asking ------------------------------------------------------------------------------------------------------------


async def _session(
    asked: Probe, upstreams: dict[str, Upstream], listeners: dict[str, socket.socket], tap: Any, told: Told
) -> _Session:
    relay = Relay(tap)
    bases = {}
    for name, upstream in upstreams.items():
        bases[name] = f"http://127.0.0.1:{listeners[name].getsockname()[1]}{upstream.path or '/v1'}"
        relay.serve(listeners[name], Route(upstream, name))
    session = _Session(asked, bases, told)
    try:
        await session.run()
    finally:
        await relay.stop()
    return session


class _Session:
    """Sends the questions one after the other, and gives up on a server that does not answer."""

    def __init__(self, asked: Probe, bases: dict[str, str], told: Told) -> None:
        self._asked = asked
        self._bases = bases
        self._told = told
        self._left_out: set[str] = set()
        self._limit_name = "max_tokens"
        self._silent = 0
        self.model = asked.model or ""
        self.sent: list[_Asked] = []
        self.notes: list[str] = []
        self.stopped: str | None = None

    async def run(self) -> None:
        """Everything, in a fixed order."""
        headers = self._asked.api.credentials(os.environ.get(self._asked.api.key_variable))
        # Each question on a connection of its own: a server may close one after an error without saying so.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(headers=headers, timeout=None, trust_env=False, limits=limits) as client:
            if not self.model:
                self.model = await self._first_model(client)
            await self._settle(client)
            total = 2 * len(self._asked.questions) * len(self._bases)
            for question in self._asked.questions:
                for stream in (True, False):
                    for tap in self._bases:
                        if self.stopped is None:
                            self._told(len(self.sent), total, question.feature)
                            await self._ask(client, tap, question, stream)

    async def _first_model(self, client: httpx.AsyncClient) -> str:
        reply = await self._fetch(client.stream("GET", f"{self._bases[GATEWAY]}/models"))
        self._reachable(reply)
        try:
            listed = json.loads(reply.text)["data"]
            found = next(one["id"] for one in listed if isinstance(one.get("id"), str))
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
            how = f"HTTP {reply.status}" if reply.status is not None else "no answer"
            raise UsageError(
                f"{self._asked.base_url} does not list its models ({how}); name one with --model"
            ) from None
        return str(found)

    def _reachable(self, reply: _Reply) -> None:
        if reply.unreachable:
            raise CouldNotRunError(f"{self._asked.base_url} cannot be reached: {reply.text}")

    async def _settle(self, client: httpx.AsyncClient) -> None:
        """Find out with the first question which members the server refuses; they are left out of all."""
        for _ in range(3):
            body = self._body(self._asked.questions[0], GATEWAY, stream=False)
            reply = await self._post(client, GATEWAY, body)
            self._reachable(reply)
            if reply.status not in (400, 422) or not self._leave_out(reply.text):
                return

    def _leave_out(self, complaint: str) -> bool:
        for name in STEADY:
            if name in complaint and name not in self._left_out:
                self._left_out.add(name)
                self.notes.append(f"{name} is refused, so it was left out and the modes may differ by chance")
                return True
        if "max_completion_tokens" in complaint and self._limit_name == "max_tokens":
            self._limit_name = "max_completion_tokens"
            self.notes.append("max_tokens is refused, so max_completion_tokens was sent instead")
            return True
        return False

    def _body(self, question: Question, tap: str, *, stream: bool) -> bytes:
        model = self._asked.direct_model if tap == DIRECT and self._asked.direct_model else self.model
        body = question.asked(model, stream=stream)
        body = {name: value for name, value in body.items() if name not in self._left_out}
        if "max_tokens" in body:
            body[self._limit_name] = body.pop("max_tokens")
        return json.dumps(body, ensure_ascii=False).encode()

    async def _ask(self, client: httpx.AsyncClient, tap: str, question: Question, stream: bool) -> None:
        body = self._body(question, tap, stream=stream)
        self.sent.append(_Asked(tap, question, stream, body))
        reply = await self._post(client, tap, body)
        self._silent = 0 if reply.status is not None and reply.ended else self._silent + 1
        if self._silent >= _PATIENCE:
            how = "came to its end" if reply.status is not None else "came"
            self.stopped = f"none of {_PATIENCE} answers in a row {how}, so nothing more was asked"

    async def _post(self, client: httpx.AsyncClient, tap: str, body: bytes) -> _Reply:
        headers = {"content-type": "application/json", "accept": "text/event-stream, application/json"}
        url = self._bases[tap] + self._asked.api.path.removeprefix("/v1")
        return await self._fetch(client.stream("POST", url, content=body, headers=headers))

    async def _fetch(self, request: contextlib.AbstractAsyncContextManager[httpx.Response]) -> _Reply:
        """Read an answer to its end, to the time's end, or to where it breaks off."""
        status: int | None = None
        kept = bytearray()
        try:
            async with asyncio.timeout(self._asked.timeout), request as response:
                status = response.status_code
                read = 0
                async for piece in response.aiter_raw():
                    read += len(piece)
                    kept += piece[: max(0, 65536 - len(kept))]
                    if read > _MAX_ANSWER:
                        return _Reply(status, kept.decode("utf-8", "replace"), ended=False)
        except TimeoutError:
            return _Reply(status, "it does not answer in time", ended=False)
        except httpx.HTTPError as error:
            return _Reply(status, visible(str(error) or type(error).__name__, 100))
        return _from_relay(_Reply(status, kept.decode("utf-8", "replace")))


def _from_relay(reply: _Reply) -> _Reply:
    """The relay's own answer when it found nobody to pass the request on to is no answer of the server's."""
    if reply.status not in (502, 504) or '"upstream_error"' not in reply.text:
        return reply
    try:
        error = json.loads(reply.text)["error"]
        message, code = str(error["message"]), error["code"]
    except (ValueError, KeyError, TypeError):
        return reply
    if not message.startswith("streamlab: "):
        return reply
    if code != "upstream_unreachable":
        return _Reply(None, visible(message, 200))
    why = message.partition("): ")[0].rpartition("(")[2]
    return _Reply(None, visible(why, 200), unreachable=True)


# -- judging -----------------------------------------------------------------------------------------------------------


def _judged(asked: Probe, session: _Session, db: Path, before: int) -> Probed:
    with CaptureDB(db) as database:
        recorded = _Recorded(database, before)
        features = {tap: tuple(_features(asked, session, recorded, tap)) for tap in (GATEWAY, DIRECT)}
    gateway, direct = features[GATEWAY], features[DIRECT] if asked.direct else ()
    if direct:
        gateway = attributed(gateway, direct)
    return Probed(
        asked.base_url, session.model, gateway, asked.direct, direct, tuple(session.notes), session.stopped, db
    )


class _Recorded:
    """What was recorded since, found by tap and body: every request has a body of its own."""

    def __init__(self, database: CaptureDB, before: int) -> None:
        self._database = database
        self._ids: dict[tuple[str | None, bytes], list[int]] = {}
        for row in database.overview(after=before):
            if row.label == LABEL:
                request = database.get(row.id).request
                if request is not None:
                    self._ids.setdefault((row.tap, request.body or b""), []).append(row.id)

    def of(self, sent: _Asked) -> Exchange | None:
        """The exchange of a request; the last where the same was asked before."""
        found = self._ids.get((sent.tap, sent.body))
        if not found:
            return None
        exchange = self._database.get(found[-1])
        return changed(exchange, segments=tuple(exchange.segments))


def _features(asked: Probe, session: _Session, recorded: _Recorded, tap: str) -> Iterator[Feature]:
    sent = {(one.question.name, one.stream): one for one in session.sent if one.tap == tap}
    for question in asked.questions:
        exchanges = [
            recorded.of(one) if (one := sent.get((question.name, stream))) else None for stream in (True, False)
        ]
        outcomes = [_outcome(asked, question, exchange) for exchange in exchanges]
        streamed, whole = exchanges
        pair = (streamed, whole) if streamed is not None and whole is not None else None
        yield feature_of(question, outcomes[0], outcomes[1], pair)


def _outcome(asked: Probe, question: Question, exchange: Exchange | None) -> ModeOutcome:
    if exchange is None:
        return ModeOutcome(Support.NOT_TESTED, "not asked")
    shown = as_shown(exchange, ALL_KNOWN)  # a server may say the key that it was asked with
    return judge(question, shown, analyze(shown), asked.timeout)


__all__ = ["ASKED", "DIRECT", "GATEWAY", "Probe", "Probed", "probe"]
