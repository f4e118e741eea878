"""A gateway under test: its upstream is played here, its answers are judged. The gateway may be in any language."""

from __future__ import annotations

import json
import os

import httpx

from streamlab.apis import DEFAULT, UNKNOWN, Api, api_of_path
from streamlab.errors import CouldNotRunError
from streamlab.exchange import Exchange
from streamlab.playback.matching import Match, candidate
from streamlab.playback.script import script
from streamlab.servers.access import Access
from streamlab.servers.listening import parse_listen
from streamlab.servers.replay import Playable
from streamlab.wire.payload import decode_payload
from streamlab.workflows.regression.comparisons import Comparison, exactly
from streamlab.workflows.regression.fixture import Fixture
from streamlab.workflows.regression.judging import Mismatch
from streamlab.workflows.replay import BackgroundReplay, held

_SECONDS = 30.0
_DEFAULT_BODY = {"model": "streamlab", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


class Gateway:
    """Sends each fixture's request to a gateway whose upstream is this process.

    ``model`` replaces the recorded one, for gateways that choose the upstream by it; a key they want is taken from
    OPENAI_API_KEY. Raises UsageError, and CouldNotRunError when the port is taken.
    """

    def __init__(self, url: str, upstream: str, model: str | None = None, compare: Comparison = exactly) -> None:
        self._url = url.rstrip("/")
        self._model = model
        self._compare = compare
        # A gateway in a container knows this machine by another name.
        access = Access(remote=True)
        address = parse_listen(upstream, allow_remote=False)
        self._replay = BackgroundReplay([], address=address, match=Match.ANY, access=access)
        self._replay.__enter__()
        self._key = os.environ.get("OPENAI_API_KEY") or "streamlab"
        self._client = httpx.Client(timeout=_SECONDS, trust_env=False)

    def close(self) -> None:
        """Stop playing the upstream."""
        self._client.close()
        self._replay.__exit__(None, None, None)

    def judge(self, fixture: Fixture) -> Mismatch | None:
        """Play the fixture upstream, ask the gateway, compare with expected.sse."""
        exchange = fixture.exchange
        self._replay.load([Playable(candidate((), None), str(fixture.path), lambda: held(script(exchange)))])
        asked_before = len(self._replay.requests)
        answer, error = self._ask(exchange)
        if len(self._replay.requests) == asked_before:
            never = "the gateway never asked its upstream: is that the address of --streamlab-upstream?"
            error = f"{error}; {never}" if error else never
        difference = self._compare(fixture, answer)
        if error is None and not difference:
            return None
        return Mismatch("through the gateway", [], difference, error)

    def _ask(self, exchange: Exchange) -> tuple[bytes, str | None]:
        """What the gateway answers, and what went wrong on the way."""
        received: list[bytes] = []
        url = self._url + api_of(exchange).path.removeprefix("/v1")
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._key}"}
        try:
            with self._client.stream("POST", url, content=self._body(exchange), headers=headers) as answer:
                for piece in answer.iter_bytes():  # one by one: what came before an error counts too
                    received.append(piece)
        except httpx.ConnectError as error:
            raise CouldNotRunError(f"the gateway {self._url} cannot be reached: {error}") from None
        except httpx.HTTPError as error:
            return b"".join(received), f"{type(error).__name__}: {error}"
        return b"".join(received), None

    def _body(self, exchange: Exchange) -> bytes:
        recorded = exchange.request.body if exchange.request is not None else None
        body = decode_payload(recorded).value if recorded else dict(_DEFAULT_BODY)
        if not isinstance(body, dict):
            return recorded or b""
        if self._model is not None:
            body["model"] = self._model
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def api_of(exchange: Exchange) -> Api:
    """The API of a fixture, as far as its request's path tells; where that names none, the one it is taken for."""
    named = api_of_path(exchange.request.url) if exchange.request is not None else UNKNOWN
    return DEFAULT if named is UNKNOWN else named


def can_be_asked(exchange: Exchange) -> bool:
    """Whether a client of a gateway could have asked for this: in one of OpenAI's APIs, and for a stream."""
    return api_of(exchange).judged and (exchange.request is None or exchange.request.method == "POST")
