"""Checking and normalizing Messages and Responses streams beside one of chat completions, cost per event, in one run.

CPU seconds of one process, the streams taking turns: a clean text and the arguments of a tool call as each vendor sends
them, in reads of 4 KiB and in one read an event.

``python -m benchmarks.protocols_bench [--quick] [--against CHECKOUT]``: with another checkout, its figures beside ours,
its rounds taking turns with ours, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHUNKS, _QUICK_CHUNKS, _ROUNDS, _READ = 20_000, 2_000, 5, 4096
#: Cost per event over that of chat.
_LIMIT = 1.3
Event = dict[str, Any]


def _framed(events: list[Event]) -> list[bytes]:
    """Events that name their type in the event line."""
    return [
        f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode() for event in events
    ]


def chat_text(chunks: int, padded: bool) -> list[bytes]:
    """A text answer of chat completions."""
    from benchmarks.check_bench import stream

    return _padded(stream(chunks)) if padded else stream(chunks)


def chat_tools(chunks: int, padded: bool) -> list[bytes]:
    """A tool call of chat completions."""
    from benchmarks.check_bench import tools

    return _padded(tools(chunks)) if padded else tools(chunks)


def _padded(events: list[bytes]) -> list[bytes]:
    last = events.pop()
    return [
        *(f'{one[:-3].decode()},"obfuscation":"{_padding(at)}"}}\n\n'.encode() for at, one in enumerate(events)),
        last,
    ]


def _message(block: Event, deltas: list[Event], reason: str) -> list[bytes]:
    usage = {"input_tokens": 21, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
    message = {
        "model": "claude-sonnet-5",
        "id": "msg_01Kd7PqWx3RtZs9LmV5nBc2H",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "service_tier": "standard"},
    }
    return _framed(
        [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "ping"},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"input_tokens": 21, "output_tokens": len(deltas)},
            },
            {"type": "message_stop"},
        ]
    )


def messages_text(chunks: int, padded: bool) -> list[bytes]:
    """A text answer of Messages, which has no padding."""
    deltas: list[Event] = [{"type": "text_delta", "text": f" word{at % 1000}"} for at in range(chunks - 6)]
    return _message({"type": "text", "text": ""}, deltas, "end_turn")


def messages_tools(chunks: int, padded: bool) -> list[bytes]:
    """A tool call of Messages, which has no padding."""
    pieces = ["", '{"a": "', *(f"w{at % 1000}" for at in range(chunks - 9)), '"}']
    deltas: list[Event] = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    tool = {"type": "tool_use", "id": "toolu_01Aa2Bb3Cc4Dd5Ee6Ff7Gg8H", "name": "f", "input": {}}
    return _message(tool, deltas, "tool_use")


#: What every response tells of itself, whether it goes on or is over.
_SETTINGS = (
    '{"id":"resp_68a1f0c2d4b48191a7c3e5f6a7b8c9d0","object":"response","created_at":1781600000,"background":false,'
    '"error":null,"frequency_penalty":0.0,"incomplete_details":null,"instructions":null,"max_output_tokens":null,'
    '"max_tool_calls":null,"model":"gpt-5.4","parallel_tool_calls":true,"presence_penalty":0.0,'
    '"previous_response_id":null,"reasoning":{"effort":"low","summary":"auto"},"store":false,"temperature":1.0,'
    '"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,'
    '"top_p":1.0,"truncation":"disabled","user":null,"metadata":{}}'
)
_USAGE = (
    '{"input_tokens":21,"input_tokens_details":{"cached_tokens":0},"output_tokens":17,'
    '"output_tokens_details":{"reasoning_tokens":0},"total_tokens":38}'
)


def _response(status: str, output: list[Event]) -> Event:
    over = status == "completed"
    ended = {"completed_at": 1781600002 if over else None, "usage": json.loads(_USAGE) if over else None}
    tier = "default" if over else "auto"
    return {**json.loads(_SETTINGS), "status": status, "output": output, "service_tier": tier, **ended}


def _responses(opened: Event, middle: list[Event], done: Event) -> list[bytes]:
    events: list[Event] = [
        {"type": "response.created", "response": _response("in_progress", [])},
        {"type": "response.in_progress", "response": _response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": opened},
        *middle,
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": _response("completed", [done])},
    ]
    return _framed([{"type": one["type"], "sequence_number": at, **one} for at, one in enumerate(events)])


def _padding(at: int) -> str:
    return "QmVqPzXoTuGzWr"[: 6 + at % 9]


def responses_text(chunks: int, padded: bool) -> list[bytes]:
    """A text answer of Responses."""
    item: Event = {
        "id": "msg_68a1f0c2e5c48191",
        "type": "message",
        "status": "in_progress",
        "content": [],
        "role": "assistant",
    }
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    pieces = [f" word{at % 1000}" for at in range(chunks - 8)]
    deltas: list[Event] = [
        {
            "type": "response.output_text.delta",
            **place,
            "delta": piece,
            "logprobs": [],
            **({"obfuscation": _padding(at)} if padded else {}),
        }
        for at, piece in enumerate(pieces)
    ]
    text = "".join(pieces)
    part: Event = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    middle = [
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *deltas,
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
    ]
    return _responses(item, middle, {**item, "status": "completed", "content": [part]})


def responses_tools(chunks: int, padded: bool) -> list[bytes]:
    """A function call of Responses."""
    item: Event = {
        "id": "fc_68a1f0c2e9d48191",
        "type": "function_call",
        "status": "in_progress",
        "arguments": "",
        "call_id": "call_a1B2c3D4",
        "name": "f",
    }
    place = {"item_id": item["id"], "output_index": 0}
    pieces = ['{"a":"', *(f"w{at % 1000}" for at in range(chunks - 8)), '"}']
    kind = "response.function_call_arguments"
    deltas: list[Event] = [
        {"type": f"{kind}.delta", **place, "delta": piece, **({"obfuscation": _padding(at)} if padded else {})}
        for at, piece in enumerate(pieces)
    ]
    arguments = "".join(pieces)
    middle = [*deltas, {"type": f"{kind}.done", **place, "arguments": arguments, "name": "f"}]
    return _responses(item, middle, {**item, "status": "completed", "arguments": arguments})


Maker = Callable[[int, bool], list[bytes]]
STREAMS: dict[str, tuple[Maker, Maker]] = {
    "chat": (chat_text, chat_tools),
    "Messages": (messages_text, messages_tools),
    "Responses": (responses_text, responses_tools),
}
#: What OpenAI pads by default, so that the length of an event tells nothing, it pads in both of its protocols.
_KINDS = {"text": (0, False), "padded text": (0, True), "tool arguments": (1, False), "padded arguments": (1, True)}
_PATHS = {"chat": "/v1/chat/completions", "Messages": "/v1/messages", "Responses": "/v1/responses"}


def _asked(name: str) -> bytes:
    """The body of a request that offers the tool."""
    offered = {"chat": {"type": "function", "function": {"name": "f"}}, "Messages": {"name": "f", "input_schema": {}}}
    tools = [offered.get(name, {"type": "function", "name": "f"})]
    return json.dumps({"model": "m", "stream": True, "tools": tools}).encode()


def _work(name: str, how: str, reads: list[bytes]) -> float:
    """CPU seconds of checking or normalizing a stream."""
    from streamlab.exchange import Request, ResponseHead
    from streamlab.judging.analyzer import Analyzer
    from streamlab.repairing.normalizer import Normalizer
    from streamlab.rules.finding import Severity

    request = Request("POST", f"http://127.0.0.1{_PATHS[name]}", (), _asked(name))
    head = ResponseHead(200, (("content-type", "text/event-stream; charset=utf-8"),), 1000)
    if how == "check":
        analyzer = Analyzer(request, head)
        began = time.process_time()
        for data in reads:
            analyzer.feed(None, data)
        report = analyzer.finish()
        spent = time.process_time() - began
        if any(one.severity is not Severity.INFO for one in report.findings):  # padding and a long line are told
            raise AssertionError(f"{name}: {[one.rule for one in report.findings]}")
        return spent
    normalizer, out = Normalizer(request, head), []
    began = time.process_time()
    for data in reads:
        out.append(normalizer.feed(data))
    out.append(normalizer.finish())
    spent = time.process_time() - began
    if b"".join(out) != b"".join(reads):
        raise AssertionError(f"{name}: a clean stream has to come out byte for byte")
    return spent


def _cases(chunks: int) -> dict[tuple[str, str, str, str], list[bytes]]:
    cases = {}
    for name, makes in STREAMS.items():
        for what, (which, padded) in _KINDS.items():
            if padded and name == "Messages":
                continue
            events = makes[which](chunks, padded)
            body = b"".join(events)
            pieces = [body[at : at + _READ] for at in range(0, len(body), _READ)]
            for how in ("check", "normalize"):
                cases[(how, what, "reads of 4 KiB", name)] = pieces
                cases[(how, what, "one read an event", name)] = events
    return cases


def measured(chunks: int) -> dict[tuple[str, str, str, str], float]:
    """One round: microseconds an event of every case."""
    return {case: _work(case[3], case[0], reads) / chunks * 1e6 for case, reads in _cases(chunks).items()}


def run(quick: bool = False) -> list[Any]:
    """Measure; ``quick`` takes a quarter of the streams."""
    from benchmarks.relay_bench import Row

    chunks = _QUICK_CHUNKS if quick else _CHUNKS
    measured(200)  # imports and caches
    rounds = [measured(chunks) for _ in range(_ROUNDS)]
    rows = []
    for case in rounds[0]:
        how, what, reads, name = case
        if name == "chat":
            continue
        ratios = [one[case] / one[(how, what, reads, "chat")] for one in rounds]
        ratio = statistics.median(ratios)
        each = statistics.median(one[case] for one in rounds)
        title, detail = f"{how} {name} / chat, {what}, {reads}", f"{each:.2f} µs an event"
        rows.append(Row(title, ratio, min(ratios), max(ratios), f"at most {_LIMIT}", ratio <= _LIMIT, detail))
    return rows


#: What each checkout runs: its own streamlab over the same streams, wherever its modules lie.
_ROUND = """
import importlib, json, pickle, sys, time
tree, file = sys.argv[1:]
sys.path.insert(0, tree)
def found(name, *modules):
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            pass
Request = found("Request", "streamlab.exchange")
ResponseHead = found("ResponseHead", "streamlab.exchange")
Analyzer = found("Analyzer", "streamlab.judging.analyzer", "streamlab.engine.analyzer")
Normalizer = found("Normalizer", "streamlab.repairing.normalizer", "streamlab.engine.normalizer")
head = ResponseHead(200, (("content-type", "text/event-stream; charset=utf-8"),), 1000)
def work(case, path, body, reads):
    request = Request("POST", "http://127.0.0.1" + path, (), body)
    machine = (Analyzer if case.startswith("check") else Normalizer)(request, head)
    began = time.process_time()
    for data in reads:
        machine.feed(None, data) if case.startswith("check") else machine.feed(data)
    machine.finish()
    return time.process_time() - began
cases = pickle.load(open(file, "rb"))
for case, (path, body, events, reads) in cases.items():
    work(case, path, body, reads[:20])
print(json.dumps({case: work(case, path, body, reads) / events * 1e6
                  for case, (path, body, events, reads) in cases.items()}))
"""


def _against(checkout: Path, chunks: int) -> None:
    """The figures of another checkout beside ours: ours over its, round by round."""
    both: list[list[dict[str, float]]] = [[], []]
    cases = {
        ", ".join(case): (_PATHS[case[3]], _asked(case[3]), chunks, reads) for case, reads in _cases(chunks).items()
    }
    with tempfile.NamedTemporaryFile(suffix=".pickle") as file:
        pickle.dump(cases, file)
        file.flush()
        for _ in range(_ROUNDS):
            for at, tree in enumerate((checkout.resolve(), Path(__file__).resolve().parents[1])):
                command = [tree / ".venv/bin/python", "-c", _ROUND, tree, file.name]
                done = subprocess.run(command, cwd="/", check=True, capture_output=True, text=True)
                both[at].append(json.loads(done.stdout))
    for case in cases:
        ratios = [ours[case] / theirs[case] for theirs, ours in zip(*both, strict=True)]
        before, now = (statistics.median(one[case] for one in rounds) for rounds in both)
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(f"{case}: {statistics.median(ratios):.3f} ({spread}), {before:.2f} to {now:.2f} µs an event")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, with its .venv")
    options = parser.parse_args()
    if options.against is not None:
        _against(options.against, _QUICK_CHUNKS if options.quick else _CHUNKS)
        sys.exit(0)
    for row in run(options.quick):
        mark = "ok  " if row.met else "MISS"
        print(f"{mark} {row.name}: {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}), {row.target}; {row.detail}")


if __name__ == "__main__":
    main()
