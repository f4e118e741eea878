"""Exchanges served to real clients as they came and repaired, and what each client held at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from streamlab.clients.setups import ClientSetup, setups, setups_called
from streamlab.clients.table import clients_called, nearest_client
from streamlab.comparing.held import (
    INTERRUPTED,
    ClientRow,
    HeldAnswer,
    Reaction,
    SecondQuestion,
    TriedExchange,
    difference,
    difference_from,
    failure_of,
    parting,
    says_cut,
    spoken,
)
from streamlab.comparing.reading import Reading, read_exchange
from streamlab.errors import StreamlabError, UsageError
from streamlab.exchange import Exchange, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.playback.matching import Candidate
from streamlab.playback.script import Script, script
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.request import strict_tools
from streamlab.servers.replay import Playable, Played
from streamlab.sharing.shown import as_shown
from streamlab.sharing.wanted import ALL_KNOWN
from streamlab.storage.targets import find
from streamlab.wire.calls import called
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import as_list, as_object, request_tools
from streamlab.workflows.clients.environments import Environments
from streamlab.workflows.clients.worker import LIMIT_S, Worker
from streamlab.workflows.replay import BackgroundReplay, held, mended_ending

_NAME = "it"
#: What tells a model the result of a call, in chat completions, in Responses and in Messages.
_CALL_RESULTS = (b'"role":"tool"', b'"type":"function_call_output"', b'"type":"tool_result"')
_AGAIN = Exchange(
    head=ResponseHead(400, (("content-type", "application/json"),)),
    segments=(Segment(0, b'{"error":{"message":"already answered: the client asked again","type":"replay"}}'),),
)


class Once:
    """An answer that is played to the first request; whoever asks again after it gets an error, and is counted.

    An error that was recorded is played again: that is what a server does.
    """

    def __init__(self, exchange: Exchange) -> None:
        failed = exchange.head is None or exchange.head.status >= 400
        self._exchange, self._next = exchange, exchange if failed else _AGAIN

    @contextmanager
    def __call__(self) -> Iterator[Script]:
        exchange, self._exchange = self._exchange, self._next
        with held(script(exchange)) as ready:
            yield ready


def playable(exchange: Exchange) -> Playable:
    """Served at ``/@it/v1``, once."""
    return Playable(Candidate((_NAME,), None, None, None, False), _NAME, Once(exchange))


@dataclass(frozen=True, slots=True)
class Served:
    """An exchange to be served: as it came, and repaired as it is live, so that what was cut stays cut behind the error
    that says so. ``repaired`` is None where nothing is changed by it.

    ``errors`` are those that no repair takes away, and that the answer is a failure: where there are some, the answer
    is not on the wire as OpenAI would have sent it, and who ends without an error has not noticed. ``strict`` are those
    of its ``tools`` that the request says are; None where the request is not known.
    """

    name: str
    exchange: Exchange
    repaired: Exchange | None
    report: Report
    completion: dict[str, Any]
    errors: tuple[str, ...]
    tools: tuple[str, ...]
    reading: Reading
    strict: tuple[str, ...] | None


def served(name: str, exchange: Exchange) -> Served:
    """What there is to be known of an exchange before anybody is asked."""
    report = analyze(exchange)
    mended = normalize(exchange)
    changed = _as_read(mended.exchange) != _as_read(exchange)
    completion = analyze(mended.exchange).completion if changed else report.completion
    return Served(
        name,
        exchange,
        replace(mended.exchange, ending=mended_ending(exchange)) if changed else None,
        report,
        completion,
        (*errors_left(mended), *_failure(mended.exchange, completion)),
        tools_of(exchange, completion),
        read_exchange(exchange),
        strict_of(exchange),
    )


def _failure(exchange: Exchange, completion: dict[str, Any]) -> tuple[str, ...]:
    """That the answer is none, in a word."""
    if exchange.head is None:
        return ("no answer",)
    return ("the answer is an error",) if exchange.head.status >= 400 or "error" in completion else ()


def _as_read(exchange: Exchange) -> tuple[object, ...]:
    """What a client's reading depends on."""
    head = exchange.head
    kinds = (head.status, head.header("content-type"), head.header("content-encoding")) if head is not None else ()
    return exchange.body, exchange.ending, kinds


def served_targets(targets: Sequence[str], db: Path | None) -> list[Served]:
    """What TARGETs name, read and judged. Raises NotFoundError, UnreadableInputError."""
    found = [target for name in targets for target in find(name, db)]
    made = []
    for target in found:
        with target.opened() as exchange:
            made.append(served(target.source, as_shown(exchange, ALL_KNOWN)))  # what clients held of it is said
    return made


def named_setups(names: Sequence[str], environments: Environments) -> tuple[ClientSetup, ...]:
    """The clients of these names; without names the usual ones and whatever is installed. Raises UsageError for a name
    that no client has."""
    if not names:
        return tuple(one for one in setups().values() if one.usual or environments.installed(one))
    ids: set[str] = set()
    for name in names:
        found = setups_called(name)
        if not found:
            if clients_called(name):
                raise UsageError(f"{name!r} cannot be asked from here; `streamlab clients list` names those that can")
            near = nearest_client(name)
            hint = f"Did you mean {near!r}?" if near and setups_called(near) else "`streamlab clients list` names them"
            raise UsageError(f"no client is called {name!r}. {hint}")
        ids.update(one.id for one in found)
    return tuple(one for one in setups().values() if one.id in ids)


def speaking(chosen: Sequence[ClientSetup], exchanges: Sequence[Served]) -> tuple[ClientSetup, ...]:
    """Those that speak the API of one of the exchanges. Raises UsageError where nobody is left."""
    found = tuple(one for one in chosen if any(_speaks(one, exchange) for exchange in exchanges))
    if not found:
        apis = ", ".join(sorted({spoken(one.report.api, one.completion) for one in exchanges}))
        raise UsageError(f"none of these clients speaks {apis}; `streamlab clients list` says what each speaks")
    return found


def tools_of(exchange: Exchange, completion: dict[str, Any]) -> tuple[str, ...]:
    """The functions that a client has to offer: agents refuse a call of any other."""
    offered = _offered(exchange.request.body if exchange.request is not None else None)
    called = [call.get("function") or {} for call in completion.get("tool_calls") or ()]
    names = [*(offered or ()), *(one.get("name") for one in called if isinstance(one, dict))]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def strict_of(exchange: Exchange) -> tuple[str, ...] | None:
    """Those of them that the request says are strict; None where it is not known what it says."""
    offered = _offered(exchange.request.body if exchange.request is not None else None)
    return None if offered is None else tuple(name for name, strict in offered.items() if strict)


def _offered(body: bytes | None) -> dict[str, bool] | None:
    """The functions that a request offers, and whether each is strict; None where it is no JSON object."""
    asked = decode_payload(body).value if body else None
    if not isinstance(asked, dict):
        return None
    offered, strict = request_tools(asked), strict_tools(asked)
    # In their own order: it is part of what a client is asked.
    listed = [as_object(one.get("function", one)).get("name") for one in map(as_object, as_list(asked.get("tools")))]
    first = [name for name in listed if isinstance(name, str) and name in offered]
    return {name: name in strict for name in (*first, *sorted(offered)) if name}


@dataclass(frozen=True, slots=True)
class ClientsAsked:
    """How clients are asked. ``timing`` plays at the recorded times; ``at_once`` clients run side by side."""

    environments: Environments
    log: Path
    timing: bool = False
    limit_s: float = LIMIT_S
    at_once: int = 2
    failed: Callable[[ClientSetup, str], object] = lambda *_: None
    advance: Callable[[], object] = lambda: None


def try_clients(
    exchanges: Sequence[Served], wanted: Sequence[ClientSetup], asking: ClientsAsked
) -> list[TriedExchange]:
    """Every exchange to every client that speaks its API. A client that cannot be installed is told to ``failed``."""
    asking.log.parent.mkdir(parents=True, exist_ok=True)
    found = [
        TriedExchange(one.name, one.report, one.errors, one.repaired is not None, one.tools, one.strict)
        for one in exchanges
    ]
    by_setup = asyncio.run(_all(exchanges, wanted, asking))
    for setup in wanted:
        for tried, row in zip(found, by_setup.get(setup.id) or [None] * len(found), strict=True):
            if row is not None:
                tried.rows.append(row)
    return found


async def _all(
    exchanges: Sequence[Served], wanted: Sequence[ClientSetup], asking: ClientsAsked
) -> dict[str, list[ClientRow | None]]:
    turn = asyncio.Semaphore(asking.at_once)
    rows: dict[str, list[ClientRow | None]] = {}

    async def one(setup: ClientSetup, log: IO[bytes]) -> None:
        async with turn:
            try:
                rows[setup.id] = await _one_client(setup, exchanges, asking, log)
            except StreamlabError as error:
                asking.failed(setup, str(error))

    with asking.log.open("ab") as log:
        await side_by_side((one(setup, log) for setup in wanted), asking.environments)
    return rows


async def side_by_side(clients: Iterable[Coroutine[Any, Any, None]], environments: Environments) -> None:
    """All of them; what is being installed ends with whoever breaks this off."""
    try:
        await asyncio.gather(*clients)
    except BaseException:
        environments.stop()  # or the threads that install would be waited for
        raise


async def _one_client(
    setup: ClientSetup, exchanges: Sequence[Served], asking: ClientsAsked, log: IO[bytes]
) -> list[ClientRow | None]:
    if not any(_speaks(setup, one) for one in exchanges):
        return [None] * len(exchanges)
    driver = await asyncio.to_thread(asking.environments.driver, setup)
    found: list[ClientRow | None] = []
    async with Worker(driver, log, retries=True, limit_s=asking.limit_s) as worker:
        for one in exchanges:
            found.append(await _row(worker, setup, one, asking) if _speaks(setup, one) else None)
            asking.advance()
    return found


def _speaks(setup: ClientSetup, one: Served) -> bool:
    return str(one.report.api) in setup.apis and (setup.calls or not one.completion.get("tool_calls"))


async def _row(worker: Worker, setup: ClientSetup, one: Served, asking: ClientsAsked) -> ClientRow:
    asked = partial(
        ask, worker, api=str(one.report.api), tools=one.tools, strict=one.strict or (), timing=asking.timing
    )
    came, requests = await asked(one.exchange)
    after, again = came, requests
    if one.repaired is not None:
        after, again = await asked(one.repaired)
    ideal = None if one.errors or not after.get("ok") else after
    judged = [reaction(setup, one, answer, ideal, count) for answer, count in ((came, requests), (after, again))]
    return ClientRow(setup, worker.version, judged[0], None if one.repaired is None else judged[1])


async def ask(
    worker: Worker,
    exchange: Exchange,
    api: str,
    tools: Sequence[str],
    *,
    strict: Sequence[str] = (),
    timing: bool = False,
) -> tuple[HeldAnswer, int]:
    """What a client made of an exchange, and how many requests it took. ``again`` of the answer says why it asked a
    second time, where it did: its own error is then that of the second answer, which is ours. ``tools`` of it says
    which of the ``tools`` its own request offered, and whether as strict ones: not every client can."""
    with BackgroundReplay([playable(exchange)], speed=1.0 if timing else 0.0) as replay:
        more_s = (exchange.end_us or 0) / 1e6 if timing else 0.0
        answer = await worker.ask(f"{replay.url}/@{_NAME}/v1", api, tools, strict=strict, more_s=more_s)
        if tools and replay.requests:
            answer["tools"] = _offered(replay.requests[0].body) or {}
        if why := asked_again(replay.requests):
            answer["again"] = why
        return answer, len(replay.requests)


def asked_again(requests: Sequence[Played]) -> SecondQuestion | None:
    """Why the same was asked a second time; None where it was not."""
    again = [one.body for one in requests[1:] if one.target == requests[0].target]
    if not all(map(_streamed, again)):
        return SecondQuestion.NOT_STREAMED
    if any(map(_told_of_call, again)):
        return SecondQuestion.NOT_CALLED
    return SecondQuestion.NO_ANSWER if again else None


def _told_of_call(body: bytes) -> bool:
    """Whether a request tells the model what became of a call. No tool is run here: that it cannot be."""
    return any(sign in body.replace(b" ", b"") for sign in _CALL_RESULTS)


def _streamed(body: bytes) -> bool:
    """Whether a request asks for a stream, as far as it can be read."""
    try:
        asked = json.loads(body)
    except ValueError:
        return True
    return not isinstance(asked, dict) or asked.get("stream") is True


def reaction(setup: ClientSetup, one: Served, answer: HeldAnswer, ideal: HeldAnswer | None, requests: int) -> Reaction:
    """How a client ended on an exchange; ``ideal`` is what it holds of the repaired one, where that is whole."""
    if answer.get("ok") is None:
        return Reaction(None, answer, requests)
    again = answer.get("again")
    if again and again is not SecondQuestion.NO_ANSWER:  # as shipped, clients ask again after errors
        return Reaction(f"again: {again}", answer, requests)
    if failure := failure_of(answer):
        return Reaction(failure, answer, requests)
    if one.errors and says_cut(answer):
        return Reaction(INTERRUPTED, answer, requests)
    letters = difference_from(answer, one.completion, finish=setup.finish)
    if not letters and ideal is not None and (shown := _shown_otherwise(answer, one, ideal)):
        apart = parting(answer, ideal, shown, one.reading.items)
        return Reaction(f"wrong:{shown}", answer, requests, apart)
    if not letters:
        return Reaction("silent:" if one.errors else "right", answer, requests)
    if one.errors:
        kind, meant = "silent", _as_held(one.completion)
    elif ideal is None or difference_from(ideal, one.completion, finish=setup.finish) == "":
        kind, meant = "wrong", _as_held(one.completion)
    elif ideal is answer or not difference(answer, ideal):
        kind, meant = "own", _as_held(one.completion)
    else:
        kind, meant, letters = "wrong", ideal, difference(answer, ideal)
    return Reaction(f"{kind}:{letters}", answer, requests, parting(answer, meant, letters, one.reading.items))


def _shown_otherwise(answer: HeldAnswer, one: Served, ideal: HeldAnswer) -> str:
    """What not every client shows, reasoning and what the answer cost, where it is not as this one shows it of the
    repaired stream, as letters."""
    thoughts = bool(ideal.get("reasoning")) and answer.get("reasoning") != ideal["reasoning"]
    # Where the stream sends no usage, one may show an estimate.
    counted = bool(one.completion.get("usage")) and ideal.get("usage") is not None
    return "r" * thoughts + "u" * (counted and answer.get("usage") != ideal["usage"])


def _as_held(completion: dict[str, Any]) -> HeldAnswer:
    """A completion as drivers tell what a client held."""
    calls = [
        {"id": call.get("id"), **dict(zip(("name", "arguments"), called(call), strict=True))}
        for call in completion.get("tool_calls") or ()
    ]
    return {
        "text": completion.get("content") or "",
        "reasoning": completion.get("reasoning") or "",
        "tool_calls": calls,
        "finish_reason": completion.get("finish_reason"),
        "usage": completion.get("usage"),
    }
