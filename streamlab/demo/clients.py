"""The client of the demo: openai-python where it is installed, else a plain loop over httpx; and what it got."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import httpx

from streamlab.wire.visible import visible

#: Seconds without a byte after which the client gives up: only what hangs takes that long.
PATIENCE_S = 120.0
_SHOWN = 44


@dataclass(slots=True)
class ClientOutcome:
    """What a client held when its stream was over, one way or another."""

    text: str = ""
    text_at_first_finish: str | None = None
    finishes: list[str] = field(default_factory=list)
    why_it_ended: str = "finish_reason"  # what the API calls the reason for the end
    tool_ids: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)  # as they would be run, where the client was asked to say
    chunks: int = 0
    error: str | None = None

    def take(self, chunk: dict[str, Any]) -> None:
        """One chunk, read as an application would."""
        self.chunks += 1
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            self.text += delta.get("content") or ""
            for call in delta.get("tool_calls") or ():
                if call.get("id") and call["id"] not in self.tool_ids:
                    self.tool_ids.append(call["id"])
            if choice.get("finish_reason"):
                self.finishes.append(choice["finish_reason"])
                if self.text_at_first_finish is None:
                    self.text_at_first_finish = self.text

    def told(self) -> str:
        """In a line, what the application's author would report."""
        if self.error is not None:
            after = f" after {_quoted(self.text)}" if self.text else ""
            return f"{visible(self.error, 100)}{after}"
        if not self.chunks:
            return "no text and no error: an empty answer"
        if self.calls:
            return f"runs {visible(', '.join(self.calls), 2 * _SHOWN)}"
        if len(self.tool_ids) > 1:
            return (
                f"{len(self.tool_ids)} ids for one tool call: {', '.join(visible(i, 12) for i in self.tool_ids[:2])}, …"
            )
        if len(self.finishes) > 1:
            return self._told_finishes()
        finish = self.finishes[0] if self.finishes else None
        return f"{_quoted(self.text)}, {self.why_it_ended} {finish}"

    def _told_finishes(self) -> str:
        if self.text_at_first_finish != self.text:
            kept = f"{_quoted(self.text_at_first_finish or '')} when it stops at the first {self.finishes[0]}"
            return f"{kept}; there are {len(self.finishes)}"
        return f"finished {len(self.finishes)} times: {', '.join(self.finishes)}; the last one hides the first"


def _quoted(text: str) -> str:
    return f"“{visible(text, _SHOWN)}”"


@dataclass(frozen=True, slots=True)
class Client:
    """A client by name and version, and how it asks."""

    name: str
    ask: Callable[[str, dict[str, Any]], ClientOutcome]


def best_client() -> Client:
    """openai-python when it is installed, else httpx, which always is."""
    try:
        import openai
    except ImportError:
        return Client(f"httpx {httpx.__version__}", ask_with_httpx)
    return Client(f"openai-python {openai.__version__}", ask_with_openai)


def to_the_end(http: Any) -> Any:
    """A transport of ``http`` (httpx, or what a client uses in its place) that reads every answer to its end when it is
    closed. Clients leave at [DONE], or when they stumble; on a busy machine that is before the last bytes come, and the
    recording would say that the client left."""

    class Drained(http.SyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner
            self._pieces = iter(inner)

        def __iter__(self) -> Iterator[bytes]:
            # No `yield from`: closing this generator would close the inner one too.
            for piece in self._pieces:  # noqa: UP028
                yield piece

        def close(self) -> None:
            with contextlib.suppress(http.HTTPError):
                for _ in self._pieces:
                    pass
            self._inner.close()

    class ToTheEnd(http.HTTPTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            response = super().handle_request(request)
            response.stream = Drained(response.stream)
            return response

    return ToTheEnd(trust_env=False)


def ask_with_openai(base_url: str, body: dict[str, Any]) -> ClientOutcome:
    """Streams a chat completion with the official client, which is not told to retry."""
    import openai

    seen = ClientOutcome()
    http = import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    patient = openai.DefaultHttpxClient(transport=to_the_end(http), trust_env=False, timeout=PATIENCE_S)
    client = openai.OpenAI(base_url=base_url, api_key="sk-demo", max_retries=0, timeout=PATIENCE_S, http_client=patient)
    try:
        with client, client.chat.completions.create(**body) as stream:
            for chunk in stream:
                seen.take(chunk.model_dump())
    except Exception as error:  # whatever the client raises is what its user sees
        seen.error = named(error)
    return seen


def ask_with_httpx(base_url: str, body: dict[str, Any]) -> ClientOutcome:
    """The loop that many applications write: lines that begin with ``data: ``, JSON, until [DONE]."""
    seen = ClientOutcome()
    try:
        with (
            httpx.Client(transport=to_the_end(httpx), timeout=PATIENCE_S, trust_env=False) as client,
            client.stream("POST", f"{base_url}/chat/completions", json=body) as answer,
        ):
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line == "data: [DONE]":
                    break
                if line.startswith("data: "):
                    seen.take(json.loads(line[6:]))
    except Exception as error:  # whatever the client raises is what its user sees
        seen.error = named(error)
    return seen


def named(error: Exception) -> str:
    """The exception as a log shows it, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
