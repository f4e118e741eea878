"""Gathers the `Hints` of an exchange while it is read: a few events in a stream, never every chunk."""

from __future__ import annotations

from typing import Any

from streamlab.dialects.shown import Hints, Trait
from streamlab.exchange import Request, ResponseHead
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire import reading
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import ServerSentEvent

#: The events worth looking at have one of these.
WORTH = Fact.SHAPE | Fact.ENVELOPE | Fact.COMMENT | Fact.FRAMING | Fact.ERROR
_MOST = 64  # chunks, and values of a kind
_LONGEST = 200  # characters of a value


class HintCollector:
    """``look`` at events that have a fact in `WORTH`; ``hints`` at the end. ``retired`` when there is nothing more
    to learn, as from the start where they are not ``wanted``."""

    def __init__(self, request: Request | None, head: ResponseHead | None, *, wanted: bool = True) -> None:
        self.wanted = wanted
        self._host = _host(request)
        self._headers = tuple((name.lower(), value.lower()) for name, value in (head.headers if head else ()))
        self._keys: tuple[set[str], set[str], set[str], set[str]] = (set(), set(), set(), set())
        self._order: tuple[str, ...] = ()
        self._ids: list[str] = []
        self._call_ids: list[str] = []
        self._fingerprints: list[str] = []
        self._comments: list[str] = []
        self._traits: set[str] = set()
        self._model = ""
        self._with_choices = 0
        self._objects = 0
        self._looks = 0

    @property
    def retired(self) -> bool:
        return self._looks >= 4 * _MOST or not self.wanted

    def look(self, event: StreamEvent) -> None:
        """One event. Never raises."""
        self._looks += 1
        if event.sse is not None and not event.sse.plain:
            self._framing(event.sse)
        if isinstance(event, Chunk | ErrorPayload):
            self._chunk(event.json)

    def look_at_more(self, chunk: dict[str, Any], count: int) -> None:
        """So many events that are like one that was looked at, a chunk, but for its text: they only count."""
        count = min(count, 4 * _MOST - self._looks)
        self._looks += count
        self._objects += count if chunk.get("object") else 0
        self._with_choices += count * len(reading.choices(chunk)[:4])

    def hints(self) -> Hints:
        """Everything that was seen."""
        top, choice, delta, usage = map(frozenset, self._keys)
        traits = set(self._traits)
        if self._with_choices:
            if "id" not in top:
                traits.add(Trait.NO_ID)
            if not self._objects:
                traits.add(Trait.NO_OBJECT)
            if "system_fingerprint" not in top:
                traits.add(Trait.NO_FINGERPRINT)
            if len([one for one in self._ids if one]) >= min(3, self._with_choices) > 1:
                traits.add(Trait.IDS_CHANGE)
        if self._model and self._model in (one.lower() for one in self._fingerprints):
            traits.add(Trait.FINGERPRINT_IS_MODEL)
        return Hints(
            host=self._host,
            headers=self._headers,
            chunk_keys=top,
            choice_keys=choice,
            delta_keys=delta,
            usage_keys=usage,
            order=self._order,
            ids=tuple(self._ids),
            call_ids=tuple(self._call_ids),
            model=self._model,
            fingerprints=tuple(self._fingerprints),
            comments=tuple(self._comments),
            traits=frozenset(traits),
        )

    def _framing(self, sse: ServerSentEvent) -> None:
        if sse.raw.endswith(b"\r\n"):
            self._traits.add(Trait.CRLF)
        if sse.raw.startswith(b"data:") and sse.raw[5:6] not in b" \r\n":
            self._traits.add(Trait.NO_SPACE)
        for comment in sse.comments[:4]:
            _note(self._comments, comment.decode("utf-8", "replace").strip())

    def _chunk(self, chunk: dict[str, Any]) -> None:
        _add(self._keys[0], chunk)
        _note(self._ids, chunk.get("id"))
        if chunk.get("id") == "":
            self._traits.add(Trait.EMPTY_ID)
        if chunk.get("object"):
            self._objects += 1
        if chunk.get("object") == "text_completion" and "delta" in (reading.choices(chunk) or [{}])[0]:
            self._traits.add(Trait.TEXT_OBJECT)
        model, print_ = chunk.get("model"), chunk.get("system_fingerprint")
        if not self._model and isinstance(model, str):
            self._model = model[:_LONGEST].lower()
        if "system_fingerprint" in chunk and print_ is None:
            self._traits.add(Trait.NULL_FINGERPRINT)
        _note(self._fingerprints, print_)
        _add(self._keys[3], chunk.get("usage"))
        for choice in reading.choices(chunk)[:4]:
            self._choice(chunk, choice)

    def _choice(self, chunk: dict[str, Any], choice: dict[str, Any]) -> None:
        self._with_choices += 1
        if not self._order:
            self._order = tuple(str(key)[:_LONGEST] for key in list(chunk)[:_MOST])
        delta = reading.delta(choice)
        _add(self._keys[1], choice)
        _add(self._keys[2], delta)
        if "function_call" in delta and delta["function_call"] is None:
            self._traits.add(Trait.NULL_FUNCTION_CALL)
        for call in reading.tool_calls(delta)[:4]:
            _note(self._call_ids, call.get("id"))


#: A URL whose host is plain to see.
_PLAIN_HOST = lazy_pattern(r"https?://([A-Za-z0-9.-]+)(?::\d*)?(?:[/?#]|\Z)")


def _host(request: Request | None) -> str:
    if request is None:
        return ""
    if (plain := _PLAIN_HOST.match(request.url)) is not None:
        return plain[1].lower()
    from urllib.parse import urlsplit  # deferred: it takes as long as a dozen rules

    try:
        return (urlsplit(request.url).hostname or "").lower()
    except ValueError:
        return ""


def _note(values: list[str], value: Any) -> None:
    if isinstance(value, str) and len(values) < _MOST and (short := value[:_LONGEST]) not in values:
        values.append(short)


def _add(keys: set[str], holder: Any) -> None:
    if isinstance(holder, dict) and len(keys) < 4 * _MOST:
        keys.update(str(key)[:_LONGEST] for key in list(holder)[:_MOST])
