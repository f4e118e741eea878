"""An archive exported by a real browser: Chromium's own HAR writer, of a page that reads a stream from the replay.

Needs a Chromium; without one this is skipped, and `test_formats` holds the structure it writes.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from streamlab.apis.registry import by_name
from streamlab.interop.reading import read_bytes
from streamlab.judging.report import Report
from streamlab.playback.matching import Match
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.workflows import replay as replaying
from streamlab.workflows.check import analyze
from streamlab.workflows.replay import BackgroundReplay
from tests.servers.harness import post

CHROMIUM = (
    os.environ.get("STREAMLAB_CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
CAPTURE = Path(__file__).parents[2] / "captures" / "openai-plain"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

_ASK = '{"model": "m", "stream": true, "messages": []}'
PAGES = {
    "fetch": """
        const options = {method: 'POST', headers: {'content-type': 'application/json'}, body: 'ASK'};
        fetch('/v1/chat/completions', options).then(async answer => {
            const reader = answer.body.getReader();
            while (!(await reader.read()).done) {}
            document.title = 'done';
        });""".replace("ASK", _ASK),
    "EventSource": """
        const source = new EventSource('/v1/chat/completions');
        source.onmessage = event => { if (event.data === '[DONE]') { source.close(); document.title = 'done'; } };""",
}
#: Run inside the developer tools: their own writer, on what they saw of the page.
_EXPORT = """(async () => {
    const har = await import('/devtools/models/har/har.js'), logs = await import('/devtools/models/logs/logs.js');
    const requests = logs.NetworkLog.NetworkLog.instance().requests();
    const pieces = [], progress = {isCanceled: () => false, canceled: false};
    for (const name of ['setTitle', 'setTotalWork', 'setWorked', 'incrementWorked', 'done']) progress[name] = () => {};
    progress.createSubProgress = () => progress;
    const stream = {write: async text => { pieces.push(text); }, close() {}};
    await har.Writer.Writer.write(stream, requests, {sanitize: false}, progress);
    return pieces.join('');
})()"""


class Site(ThreadingHTTPServer):
    """A page, and the replay's answers under the same origin."""

    daemon_threads = True
    page = ""
    replay = ("", 0)


class _Answer(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/v1"):
            self.do_POST()
            return
        body = f"<!doctype html><script>{self.server.page}</script>".encode() if self.path == "/" else b""
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        with socket.create_connection(self.server.replay) as upstream:
            upstream.sendall(post(self.path, _ASK.encode(), "Connection: close\r\n"))
            while data := upstream.recv(65536):
                self.wfile.write(data)
                self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Browser:
    """A headless Chromium, told what to do through its pipe."""

    def __init__(self, profile: Path, *flags: str) -> None:
        assert CHROMIUM is not None
        (told, self._tell), (self._hear, said) = os.pipe(), os.pipe()
        self._numbers = itertools.count(1)
        self._received = b""
        command = (
            *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--remote-debugging-pipe", "--remote-debugging-port=0", "--remote-allow-origins=*"),
            *(f"--user-data-dir={profile}", *flags, "about:blank"),
        )

        # The browser expects to be told on 3 and to answer on 4, which may well be numbers of this process's pipes.
        def place() -> None:
            high = os.dup(told), os.dup(said)
            far = [os.dup2(one, number) for one, number in zip(high, (200, 201), strict=True)]
            for one, number in zip(far, (3, 4), strict=True):
                os.dup2(one, number)

        # What it leaves where temporary files go when it is killed; below a test's own folder its socket has no room.
        self._scratch = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "TMPDIR": self._scratch.name},
            preexec_fn=place,
            close_fds=False,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(told)
        os.close(said)
        port_file = profile / "DevToolsActivePort"
        _eventually(lambda: port_file.exists() and port_file.read_text().strip())
        self.port = int(port_file.read_text().split()[0])

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._tell, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._received:
                self._received += os.read(self._hear, 1 << 16)
            raw, _, self._received = self._received.partition(b"\0")
            answer = json.loads(raw)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def open(self, url: str) -> tuple[str, str]:
        """A new page; its target and the session to talk to it."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        return target, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def evaluate(self, session: str, expression: str) -> Any:
        """What JavaScript in a page comes to."""
        answer = self.call("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._tell)
        os.close(self._hear)
        self._scratch.cleanup()


def _eventually(condition: Any, seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError("did not happen in time")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    running = Browser(tmp_path / "profile")
    yield running
    running.close()


@pytest.fixture
def site() -> Iterator[Site]:
    loaded = replaying.playables([str(CAPTURE)])
    with BackgroundReplay(loaded, speed=1, match=Match.ANY) as replay, Site(("127.0.0.1", 0), _Answer) as server:
        server.replay = replay.address
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("how", PAGES)
def test_an_archive_of_chromium_reads_and_checks_as_what_was_recorded(
    tmp_path: Path, browser: Browser, site: Site, how: str
) -> None:
    site.page = PAGES[how]
    target, page = browser.open("about:blank")
    inspector = f"http://127.0.0.1:{browser.port}/devtools/devtools_app.html"
    _, tools = browser.open(f"{inspector}?ws=127.0.0.1:{browser.port}/devtools/page/{target}&panel=network")
    _eventually(lambda: "about:blank" in (browser.evaluate(tools, "document.title") or ""))
    browser.call("Page.navigate", page, url=f"http://127.0.0.1:{site.server_address[1]}/")
    _eventually(lambda: browser.evaluate(page, "document.title") == "done")

    def exported() -> list[Any]:
        (tmp_path / "browser.har").write_text(browser.evaluate(tools, _EXPORT), encoding="utf-8")
        read = read_bytes("browser.har", (tmp_path / "browser.har").read_bytes())
        streams = [one for one in read if one.request and one.request.url.endswith("completions")]
        # The tools learn of events a little later; those of a fetch that is over soon they may never learn of.
        return [one for one in streams if one.body and (one.timing_known or how == "fetch")]

    (read,) = _eventually(exported)
    recorded = read_exchange_dir(CAPTURE)
    assert json.loads((tmp_path / "browser.har").read_text())["log"]["creator"]["name"] == "WebInspector"
    assert read.body == recorded.body
    expected, found = analyze(recorded), analyze(read)
    # When the tools learn of an event is the browser's affair: on a busy machine, of all at once.
    assert _untimed(found) == _untimed(expected) != []
    assert found.completion == expected.completion


def _untimed(report: Report) -> list[str]:
    return [one.rule for one in report.findings if not by_name()[one.rule].needs_timing]
