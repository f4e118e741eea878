"""A real Chromium, whose pages try to reach a recorder, a replayer and a workbench of this machine: from other origins,
and under a name that resolves to 127.0.0.1. Needs a Chromium; `test_access` holds the headers that one sends."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.workflows.replay import BackgroundReplay, playables
from tests.interop.test_browser import CHROMIUM, Browser, Site, _Answer
from tests.servers.harness import Upstream, eventually, fetch, get, recording, run

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"), pytest.mark.slow]

_OK = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nok"
#: Everything a page can do that reaches another origin without being asked, and what it can do when it is let.
_ATTEMPTS = """(async () => {
    const told = [];
    const attempt = async (name, options) => {
        try { const answer = await fetch('URL?' + name, options); told.push(name + ' ' + answer.status); }
        catch { told.push(name + ' refused'); }
    };
    await attempt('get', {});
    await attempt('post', {method: 'POST', body: '{}', headers: {'content-type': 'text/plain'}});
    await attempt('preflight', {method: 'POST', body: '{}', headers: {'content-type': 'application/json'}});
    await attempt('opaque', {mode: 'no-cors'});
    await new Promise(done => {
        const image = new Image(); image.onload = image.onerror = done; image.src = 'URL?image';
    });
    const form = document.createElement('form');
    Object.assign(form, {method: 'post', action: 'URL?form', target: 'frame'});
    const frame = document.createElement('iframe');
    frame.name = 'frame';
    await new Promise(done => { document.body.append(frame, form); frame.onload = done; form.submit(); });
    return told;
})()"""
#: What is drawn comes over a websocket, which no browser keeps to its origin.
_SOCKET = """new Promise(done => {
    const socket = new WebSocket('URL');
    socket.onopen = () => done('open');
    socket.onerror = socket.onclose = () => done('refused');
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Browser(tmp_path_factory.mktemp("profile"), "--host-resolver-rules=MAP *.example 127.0.0.1")
    yield running
    running.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), _Answer) as server:
        server.page = "document.title = 'ready'"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _try_all(browser: Browser, site: Site, page_host: str, url: str) -> list[str]:
    _, page = browser.open("about:blank")
    browser.call("Page.navigate", page, url=f"http://{page_host}:{site.server_address[1]}/")
    eventually(lambda: browser.evaluate(page, "document.title") == "ready")
    return list(browser.evaluate(page, _ATTEMPTS.replace("URL", url)))


@pytest.mark.parametrize("page_host", ["evil.example", "127.0.0.1", "localhost"])
@pytest.mark.parametrize("asked_as", ["127.0.0.1", "localhost", "rebound.example"])
def test_no_page_of_another_origin_reaches_the_upstream_of_a_recorder(
    browser: Browser, site: Site, tmp_path: Path, page_host: str, asked_as: str
) -> None:
    with Upstream({"/v1/ok": [_OK]}) as upstream, recording(tmp_path, "--upstream", upstream.url) as proxy:
        told = _try_all(browser, site, page_host, f"http://{asked_as}:{proxy.port}/v1/ok")
        assert not [one for one in told if one.endswith("200")], told
        assert upstream.requests == []
        assert run(fetch(proxy.port, get("/v1/ok"))).status == 200, "and a program does"


def test_a_page_that_is_let_in_reaches_it(browser: Browser, site: Site, tmp_path: Path) -> None:
    origin = f"http://evil.example:{site.server_address[1]}"
    with (
        Upstream({"/v1/ok": [_OK]}) as upstream,
        recording(tmp_path, "--upstream", upstream.url, "--allow-origin", origin) as proxy,
    ):
        told = _try_all(browser, site, "evil.example", f"http://127.0.0.1:{proxy.port}/v1/ok")
        assert "get 200" in told
        assert "post 200" in told


def test_a_page_reads_nothing_of_what_a_replayer_has(browser: Browser, site: Site) -> None:
    capture = Path(__file__).parents[2] / "captures" / "openai-plain"
    with BackgroundReplay(playables([str(capture)])) as replay:
        for asked_as in ("127.0.0.1", "rebound.example"):
            told = _try_all(browser, site, "evil.example", f"http://{asked_as}:{replay.address[1]}/v1/chat/completions")
            assert not [one for one in told if one.endswith("200")], told
        assert replay.requests == [], "nothing was even looked for"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``streamlab tui --web`` as a process, and the address with the token that it printed."""
    if importlib.util.find_spec("textual_serve") is None:
        pytest.skip("needs the extra: web")
    words = ["-m", "streamlab", "tui", "--web", "captures/openai-plain", "--listen", "127.0.0.1:0"]
    state = os.environ | {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=state, cwd=root) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield process, found[0]
        process.terminate()


def _children(process: subprocess.Popen[str]) -> str:
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks the kernel for the children of a process")
@pytest.mark.parametrize("page_host", ["evil.example", "127.0.0.1", "localhost"])
@pytest.mark.parametrize("asked_as", ["127.0.0.1", "localhost", "rebound.example"])
def test_no_page_of_another_origin_reaches_a_workbench(
    browser: Browser, site: Site, workbench: tuple[subprocess.Popen[str], str], page_host: str, asked_as: str
) -> None:
    """Not even one that knows the token, which it cannot."""
    process, printed = workbench
    url = printed.replace("127.0.0.1", asked_as)
    for one in (f"{url}/", f"{url.rpartition('/~')[0]}/", f"{url.rpartition('/~')[0]}/static/js/textual.js"):
        told = _try_all(browser, site, page_host, one)
        assert not [attempt for attempt in told if attempt.endswith("200")], (one, told)
    _, page = browser.open("about:blank")
    browser.call("Page.navigate", page, url=f"http://{page_host}:{site.server_address[1]}/")
    eventually(lambda: browser.evaluate(page, "document.title") == "ready")
    socket = url.replace("http:", "ws:") + "/ws?width=80&height=24"
    assert browser.evaluate(page, _SOCKET.replace("URL", socket)) == "refused"
    assert _children(process) == "", "no workbench was started"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks the kernel for the children of a process")
def test_the_page_that_was_printed_has_its_workbench(
    browser: Browser, workbench: tuple[subprocess.Popen[str], str]
) -> None:
    process, printed = workbench
    browser.open(f"{printed}/")
    eventually(lambda: _children(process) != "")
