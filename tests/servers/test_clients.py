"""Real clients through the proxy, unchanged: openai-python, httpx over TLS, Node's fetch; and a terminal watching."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.standins import scenarios
from streamlab.standins.running import in_thread, serve_scenario
from streamlab.storage.capture_db import CaptureDB
from tests.servers.harness import END, HEAD, RECORD, RST, Upstream, event, fetch, get, recording, run


def _chunk(**choice: object) -> bytes:
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event(json.dumps({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": None, **choice}]}))


_ANSWER = [
    HEAD,
    *(step for word in ("Hel", "lo", " wörld") for step in (_chunk(delta={"content": word}), 0.01)),
    _chunk(finish_reason="stop"),
    event("[DONE]"),
    0.02,  # clients leave at [DONE]; the end of the message follows
    END,
]
_WHOLE = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}).encode()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream({"/v1/chat/completions": _ANSWER, "/v1/reset": [HEAD, event("1"), 0.02, RST]}) as running:
        yield running


def test_openai_python_streams_through_unchanged(upstream: Upstream, tmp_path: Path) -> None:
    openai = pytest.importorskip("openai")
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        with openai.OpenAI(base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key="sk-TOPSECRET") as client:
            for _ in range(3):
                stream = client.chat.completions.create(model="m", messages=[], stream=True)
                text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
                assert text == "Hello wörld"
        assert proxy.stop() == 0
    with CaptureDB(proxy.db) as db:
        assert [(row.ending, row.model, row.status) for row in db.overview()] == [(Ending.COMPLETE, "m", 200)] * 3
        request = db.get(1).request
        assert request is not None
        assert json.loads(request.body or b"")["stream"] is True
    assert b"TOPSECRET" not in proxy.db.read_bytes()


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_node_streams_through_unchanged(upstream: Upstream, tmp_path: Path) -> None:
    script = """
        const url = process.argv[1] + '/v1/chat/completions';
        const body = JSON.stringify({model: 'm', stream: true});
        let text = '';
        for (let round = 0; round < 2; round++) {
            const answer = await fetch(url, {method: 'POST', body, headers: {'content-type': 'application/json'}});
            const decoder = new TextDecoder();
            for await (const part of answer.body) text += decoder.decode(part, {stream: true});
        }
        const words = text.split('\\n').filter(l => l.startsWith('data: {')).map(l => JSON.parse(l.slice(6)));
        console.log(words.map(w => w.choices[0].delta.content ?? '').join(''));
        const cut = await fetch(process.argv[1] + '/v1/reset');
        try { await cut.text(); console.log('whole'); } catch (error) { console.log('cut'); }
    """
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        result = subprocess.run(
            ["node", "--input-type=module", "-e", script, f"http://127.0.0.1:{proxy.port}"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert proxy.stop() == 0
    assert result.stdout.split("\n")[:2] == ["Hello wörldHello wörld", "cut"], result.stderr
    with CaptureDB(proxy.db) as db:
        endings = [row.ending for row in db.overview()]
    assert endings == [Ending.COMPLETE, Ending.COMPLETE, Ending.UPSTREAM_CUT]


_HERE = Path(__file__).parent
_NODE_OPENAI = Path(os.environ.get("STREAMLAB_NODE_OPENAI", _HERE.parent / "node" / "node_modules"))
_NODE_SCRIPT = """
    import { createRequire } from 'node:module';
    import { pathToFileURL } from 'node:url';
    const [folder, baseURL, body] = process.argv.slice(1);
    const found = createRequire(folder + '/x.js').resolve('openai');
    const { default: OpenAI } = await import(pathToFileURL(found));
    const client = new OpenAI({ baseURL, apiKey: 'x', maxRetries: 0 });
    const got = { text: '', finish: null, calls: {}, error: '' };
    try {
        for await (const chunk of await client.chat.completions.create(JSON.parse(body))) {
            for (const choice of chunk.choices) {
                got.text += choice.delta.content ?? '';
                got.finish = choice.finish_reason ?? got.finish;
                for (const call of choice.delta.tool_calls ?? [])
                    got.calls[call.index] = (got.calls[call.index] ?? '') + (call.function.arguments ?? '');
            }
        }
    } catch (error) { got.error = error.constructor.name; }
    console.log(JSON.stringify(got));
"""


def _openai_node(base_url: str, body: object) -> dict[str, object]:
    """What the official Node package makes of a streamed answer; skips where it is not installed.

    It is looked for in the folder STREAMLAB_NODE_OPENAI (one with ``node_modules``, or that itself), else in
    tests/node/node_modules.
    """
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    folder = _NODE_OPENAI if _NODE_OPENAI.name == "node_modules" else _NODE_OPENAI / "node_modules"
    if not (folder / "openai").is_dir():
        pytest.skip("the npm package openai is not installed: npm install --prefix tests/node openai")
    command = ["node", "--input-type=module", "-e", _NODE_SCRIPT, str(folder.parent), base_url, json.dumps(body)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_openai_node_streams_through_unchanged(upstream: Upstream, tmp_path: Path) -> None:
    body = {"model": "m", "messages": [], "stream": True}
    with recording(tmp_path, "--upstream", upstream.url) as proxy:
        got = _openai_node(f"http://127.0.0.1:{proxy.port}/v1", body)
        assert proxy.stop() == 0
    assert got == {"text": "Hello wörld", "finish": "stop", "calls": {}, "error": ""}
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE]


@pytest.mark.parametrize(
    ("name", "finish"),
    [
        ("glm4/newline", "stop"),
        ("glm4/tool-ids", "tool_calls"),
        ("oneapi-gemini/stop-everywhere", "stop"),
        ("onehub/double-finish", "tool_calls"),
        ("tgi/no-space", "stop"),
        ("tgi/object-tool-call", "tool_calls"),
    ],
)
def test_openai_node_gets_whole_answers_from_repaired_streams(name: str, finish: str, tmp_path: Path) -> None:
    standin, _, wanted = name.partition("/")
    scenario = next(one for one in scenarios(standin) if one.name == wanted)
    with (
        in_thread(serve_scenario(standin, scenario, gap_ms=0.2)) as server,
        recording(tmp_path, "--normalize", "--upstream", server.base_url) as proxy,
    ):
        path = server.base_url.partition("//")[2].partition("/")[2]
        got = _openai_node(f"http://127.0.0.1:{proxy.port}/{path}", scenario.body)
        assert proxy.stop() == 0
    with CaptureDB(proxy.db) as db:
        held = analyze(normalize(db.get(1)).exchange).completion
    assert (got["text"], got["finish"], got["error"]) == (held["content"] or "", finish, "")
    assert isinstance(got["calls"], dict)
    assert list(got["calls"].values()) == [call["function"]["arguments"] for call in held["tool_calls"]]


# --- TLS


@pytest.fixture
def secure(certificates: Path) -> Iterator[Upstream]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem")
    block = b"".join(event("x" * 50_000) for _ in range(40))
    scripts = {"/v1/chat/completions": _ANSWER, "/v1/large": [HEAD, block, END]}
    with Upstream(scripts, tls=context) as running:
        yield running


def test_tls_upstreams_are_verified_and_passed_on(secure: Upstream, certificates: Path, tmp_path: Path) -> None:
    arguments = ("--upstream", secure.url, "--upstream-ca", str(certificates / "ca.pem"))
    with recording(tmp_path, *arguments) as proxy:
        base = f"http://127.0.0.1:{proxy.port}"
        with httpx.Client(trust_env=False) as client:
            assert b"Hel" in client.post(f"{base}/v1/chat/completions", content=b"u" * 300_000).content
            assert len(client.get(f"{base}/v1/large").content) > 2_000_000
        assert proxy.stop() == 0
    assert b"\r\nhost: 127.0.0.1:%d\r\n" % secure.port in secure.requests[0].lower()
    with CaptureDB(proxy.db) as db:
        assert [row.ending for row in db.overview()] == [Ending.COMPLETE] * 2
        assert len(db.get(2).body) > 2_000_000


def test_an_unknown_certificate_makes_the_upstream_unreachable(secure: Upstream, tmp_path: Path) -> None:
    with recording(tmp_path, "--upstream", secure.url) as proxy:
        seen = run(fetch(proxy.port, get("/v1/chat/completions")))
        assert proxy.stop() == 0
    assert seen.status == 502
    assert b"--upstream-ca" in seen.body
    with CaptureDB(proxy.db) as db:
        exchange = db.get(1)
    assert exchange.ending is Ending.UNREACHABLE
    assert exchange.notes["ending_reason"].startswith("tls: ")


# --- a terminal


def test_a_terminal_gets_a_live_table(upstream: Upstream, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RECORD, "--upstream", upstream.url, "--listen", "127.0.0.1:0", "--db", str(tmp_path / "x.db")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "150", "NO_COLOR": "1"},
    )
    os.close(theirs)
    assert process.stdout is not None
    port = int(re.findall(rb":(\d+)/", process.stdout.readline())[0])
    run(fetch(port, get("/v1/chat/completions?\x9b31m[bold]")))
    shown, deadline = b"", time.monotonic() + 300
    while b"complete" not in shown and time.monotonic() < deadline:
        if select.select([ours], [], [], 0.2)[0]:
            shown += os.read(ours, 65536)
    process.terminate()
    assert process.wait(300) == 0
    process.stdout.close()
    os.close(ours)
    assert b"streamlab record" in shown
    assert b"complete" in shown
    assert b"[bold]" in shown, "markup is shown, not obeyed"
    assert b"\x9b" not in shown.replace("\u2502".encode(), b"").replace("\ufffd".encode(), b"")


def test_help_has_examples_and_no_heavy_imports() -> None:
    code = (
        "import sys; from streamlab.cli import main\n"
        "try: main(['record', '--help'])\n"
        "finally: print([n for n in ('asyncio', 'sqlite3', 'rich', 'ssl') if n in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0
    assert "Examples:" in result.stdout
    assert result.stderr.strip() == "[]"
