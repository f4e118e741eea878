"""A gateway under test: its upstream is played here, its answers are judged. The gateway may be in any language."""

from __future__ import annotations

import json

import httpx

from streamlab.engine.matching import candidate
from streamlab.engine.playback import script
from streamlab.errors import CouldNotRunError
from streamlab.exchange import Exchange
from streamlab.regression import Fixture, Mismatch, parsed
from streamlab.replaying import BackgroundReplay, held
from streamlab.servers.relay import parse_listen
from streamlab.servers.replay import Playable

_SECONDS = 30.0


class Gateway:
    """Sends each fixture's request to a gateway whose upstream is this process."""

    def __init__(self, url: str, upstream: str) -> None:
        self._url = url.rstrip("/")
        self._replay = BackgroundReplay([], address=parse_listen(upstream, allow_remote=False), answer_anything=True)
        self._replay.__enter__()
        self._client = httpx.Client(timeout=_SECONDS)

    def close(self) -> None:
        """Stop playing the upstream."""
        self._client.close()
        self._replay.__exit__(None, None, None)

    def judge(self, fixture: Fixture) -> Mismatch | None:
        """Play the fixture upstream, ask the gateway, compare with expected.sse."""
        exchange = fixture.exchange
        self._replay.load([Playable(candidate((), None), str(fixture.path), lambda: held(script(exchange)))])
        answer, error = self._ask(exchange)
        expected = fixture.expected or b""
        if error is None and parsed(answer) == parsed(expected):
            return None
        return Mismatch("through the gateway", [], answer, expected, error)

    def _ask(self, exchange: Exchange) -> tuple[bytes, str | None]:
        body = exchange.request.body if exchange.request is not None else None
        asked = body or json.dumps({"model": "m", "stream": True, "messages": []}).encode()
        received: list[bytes] = []
        try:
            with self._client.stream(
                "POST",
                f"{self._url}/chat/completions",
                content=asked,
                headers={"content-type": "application/json", "authorization": "Bearer streamlab"},
            ) as answer:
                received += answer.iter_bytes()
        except httpx.ConnectError as error:
            raise CouldNotRunError(f"the gateway {self._url} cannot be reached: {error}") from None
        except httpx.HTTPError as error:
            return b"".join(received), f"{type(error).__name__}: {error}"
        return b"".join(received), None
