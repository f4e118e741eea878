"""Makes the pastes of `tests/interop/pastes`: streams of our own, shown by real tools and as logs and chats show them.

Run it as ``python -m tests.interop.make_pastes``; what it writes is checked in. curl, HTTPie (where ``http`` is
installed), cat, nl, grep, fold, openai-python and vcrpy's own printing are the real ones; docker's, PowerShell's and
the developer tools' forms are written as those document and show them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from openai.types.chat import ChatCompletionChunk

from streamlab.exchange import Exchange
from streamlab.playback.matching import Match
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows import replay as replaying
from tests import streams

HOME = Path(__file__).parent / "pastes"
ASK = '{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'


def origins() -> dict[str, Exchange]:
    """A clean stream, and one whose ids change and whose answer has no finish."""
    chunks = streams.chat_text("Hello", " there,", " it's 1.5 km. Really... \n yes", ' \\o/ "quoted"')
    bad = [{**one, "id": f"chatcmpl-{at}"} for at, one in enumerate(chunks)][:-1]
    return {
        "clean": streams.exchange(streams.sse(chunks)),
        "faulty": streams.exchange(streams.sse(bad)),
    }


def _run(*words: str, data: bytes = b"", both: bool = False) -> bytes:
    ran = subprocess.run(
        words,
        input=data,
        check=False,
        capture_output=not both,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if both else {}),
    )
    return ran.stdout


def with_tools(url: str) -> Iterator[tuple[str, bytes]]:
    """What real programs show of the stream at ``url``."""
    ask = ["-H", "content-type: application/json", "-d", ASK]
    command = f"$ curl -N {url} -u me:hunter2secret -H 'content-type: application/json' -d '{ASK}'\n".encode()
    yield "curl-i", _run("curl", "-siN", url, *ask)
    yield "curl-request", command + _run("curl", "-siN", url, *ask)
    yield "curl-request-body", command.replace(b"-N", b"-sN \\\n  -L") + _run("curl", "-sN", url, *ask)
    yield "curl-v", _run("curl", "-vN", url, *ask, both=True)
    yield "curl-sv", _run("curl", "-svN", url, *ask, both=True)
    yield "curl-vi", _run("curl", "-sviN", url, *ask, both=True)
    yield "curl-trace-ascii", _run("curl", "-sN", "--trace-ascii", "-", "-o", "/dev/null", url, *ask)
    yield "curl-trace-time", _run("curl", "-sN", "--trace-ascii", "-", "--trace-time", "-o", "/dev/null", url, *ask)
    yield "curl-trace", _run("curl", "-sN", "--trace", "-", "-o", "/dev/null", url, *ask)
    http = shutil.which("http")
    if http is not None:
        shown = (http, "--ignore-stdin", "--stream", "--verbose")
        yield (
            "httpie",
            _run(*shown, "--pretty=none", "POST", url, f"--raw={ASK}"),
        )
        yield (
            "httpie-colours",
            _run(*shown, "--pretty=colors", "POST", url, f"--raw={ASK}"),
        )


def with_text(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The stream as terminals, logs and chats show it."""
    text, lines = body.decode(), body.decode().split("\n")
    stamps = [f"2026-11-20T10:00:{at // 10:02}.{at % 10}23456Z" for at in range(len(lines))]
    yield "cat-n", _run("cat", "-n", data=body)
    yield "nl", _run("nl", "-ba", data=body)
    yield "nl-plain", _run("nl", data=body)
    yield "grep-n", _run("grep", "-n", "data", data=body)
    yield "grep", b"log of the run\n" + _run("grep", "data", data=body.replace(b"data:", b"x data:"))
    yield "indented", "".join(f"    {line}\n" for line in lines).encode()
    yield "quoted", "".join(f"> {line}\n" for line in lines).encode()
    yield "fence", f"My server sends this:\n\n```text\n{text}```\n\nIs that right?\n".encode()
    yield (
        "fence-request",
        f"I ran\n```sh\ncurl http://h/v1/chat/completions -d '{ASK}'\n```\nand got\n```\n{text}```\n".encode(),
    )
    yield "fence-quoted", "".join(f"> {line}\n" for line in ["See:", "```", *lines, "```"]).encode()
    yield "timestamps", "".join(f"{at} {line}\n" for at, line in zip(stamps, lines, strict=True)).encode()
    yield "bracketed", "".join(f"[10:00:{at:02}.123] {line}\n" for at, line in enumerate(lines)).encode()
    yield "compose", "".join(f"api-1  | {line}\n" for line in lines).encode()
    yield "compose-two", "".join(f"api-1    | {line}\nproxy-1  | GET /health 200\n" for line in lines).encode()
    yield "compose-stamped", "".join(f"api-1  | {at} {line}\n" for at, line in zip(stamps, lines, strict=True)).encode()
    yield "journal", "".join(f"Nov 20 10:00:{at:02} host api[81]: {line}\n" for at, line in enumerate(lines)).encode()
    yield (
        "python-log",
        "".join(
            f"2026-11-20 10:00:{at:02},123 DEBUG app.stream: {line}\n" for at, line in enumerate(lines) if line
        ).encode(),
    )
    yield (
        "docker-json",
        "".join(
            json.dumps({"log": f"{line}\n", "stream": "stdout", "time": at}) + "\n"
            for at, line in zip(stamps, lines, strict=True)
        ).encode(),
    )
    yield "pino", "".join(json.dumps({"level": 30, "msg": line}) + "\n" for line in lines).encode()
    yield "json-string", json.dumps(text).encode()
    yield "json-strings", json.dumps([f"{event}\n\n" for event in text.split("\n\n")[:-1]]).encode()
    yield "json-in-object", json.dumps({"status": 200, "body": text}).encode()
    yield "bytes-lines", "".join(f"{line.encode()!r}\n" for line in lines).encode()
    yield "bytes-chunks", "".join(f"{(event + chr(10) * 2).encode()!r}\n" for event in text.split("\n\n")[:-1]).encode()
    yield "bytes-whole", repr(body).encode()
    yield "bytes-list", repr([(event + "\n\n").encode() for event in text.split("\n\n")[:-1]]).encode()
    yield (
        "bytes-logged",
        "".join(f"INFO got chunk: {(event + chr(10) * 2).encode()!r}\n" for event in text.split("\n\n")[:-1]).encode(),
    )
    yield "utf16", ("\ufeff" + text.replace("\n", "\r\n")).encode("utf-16-le")
    yield "utf16-no-mark", text.replace("\n", "\r\n").encode("utf-16-le")
    yield "colours", "".join(f"\x1b[36m{line}\x1b[0m\n" if line else "\n" for line in lines).encode()
    yield "wrapped-80", _run("fold", "-w", "80", data=body)
    yield "wrapped-132", _run("fold", "-w", "132", data=body)


def with_objects(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The events as programs print them."""
    chunks = [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]
    typed = [ChatCompletionChunk.model_validate(one) for one in chunks]
    yield "python-dicts", "".join(f"{one}\n" for one in chunks).encode()
    yield "python-dicts-logged", "".join(f"DEBUG:app:chunk {one}\n" for one in chunks).encode()
    yield "json-array", json.dumps(chunks, indent=2).encode()
    yield "jq", "".join(json.dumps(one, indent=2) + "\n" for one in chunks).encode()
    yield "openai-python", "".join(f"{one!r}\n" for one in typed).encode()
    yield (
        "litellm",
        "".join(
            f"10:00:0{at % 10} - LiteLLM:DEBUG: utils.py:1 - RAW RESPONSE: {one!r}\n\n" for at, one in enumerate(typed)
        ).encode(),
    )
    yield "litellm-stream", "".join(f"Raw OpenAI Chunk\n{one!r}\n\n" for one in typed).encode()
    yield (
        "devtools",
        "".join(f"\tmessage\t{json.dumps(one, separators=(',', ':'))}\t10:00:00.123\n" for one in chunks).encode(),
    )
    yield (
        "devtools-headed",
        (
            "Id\tType\tData\tTime\n"
            + "".join(f"\tmessage\t{json.dumps(one, separators=(',', ':'))}\t10:00:00.123\n" for one in chunks)
        ).encode(),
    )


def main() -> None:
    """Write every paste of every origin."""
    HOME.mkdir(exist_ok=True)
    for name, exchange in origins().items():
        folder = HOME / name
        folder.mkdir(exist_ok=True)
        write_exchange_dir(exchange, folder / "origin")
        with replaying.BackgroundReplay(
            replaying.playables([str(folder / "origin")]), match=Match.ANY, speed=1.0
        ) as server:
            made = [
                *with_tools(f"{server.base_url}/chat/completions"),
                *with_text(exchange.body),
                *with_objects(exchange.body),
            ]
        for kind, data in made:
            (folder / f"{kind}.txt").write_bytes(data)
        print(name, len(made))


if __name__ == "__main__":
    main()
