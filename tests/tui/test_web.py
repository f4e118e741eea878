"""The workbench in a browser: a real server process, real HTTP and websockets, a real workbench behind them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

pytest.importorskip("textual_serve", reason="needs the extra: web")
import aiohttp

from streamlab.cli import main
from streamlab.errors import CouldNotRunError
from streamlab.tui import web
from tests.tui.driving import CAPTURES

#: Only a hang takes this long, on however busy a machine.
_PATIENCE = 300.0
_ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[a-zA-Z$]|\][^\x07]*\x07)")


@dataclass
class Served:
    """``streamlab tui --web`` as a process, and the address it printed."""

    process: subprocess.Popen[str]
    url: str

    @property
    def origin(self) -> str:
        """The address without its token."""
        return self.url.rpartition("/~")[0]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code and stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, err


@contextmanager
def _serving(
    state: Path, *words: str, listen: str = "127.0.0.1:0", program: tuple[str, ...] = ("-m", "streamlab")
) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, *program, "tui", "--web", *words, "--listen", listen],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, (line, process.communicate())
            yield Served(process, found[0])
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory, shipped) -> Iterator[Served]:
    """One server for the tests that leave it standing."""
    with _serving(tmp_path_factory.mktemp("state"), "--db", str(shipped)) as one:
        yield one


class Page:
    """What a browser's page does: shows what comes, sends keys."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.session, self.socket = session, socket
        self.raw = ""
        self.messages: list[list[object]] = []

    @property
    def text(self) -> str:
        """Everything drawn since `forget`, without colours and positions."""
        return _ESCAPE.sub("", self.raw)

    def forget(self) -> None:
        """Start over."""
        self.raw = ""

    async def send(self, *message: object) -> None:
        """A message of textual-serve's protocol."""
        await self.socket.send_json(message)

    async def until(self, true: Callable[[], object]) -> None:
        """Take what comes until something holds."""
        async with asyncio.timeout(_PATIENCE):
            while not true():
                message = await self.socket.receive()
                if message.type == aiohttp.WSMsgType.BINARY:
                    self.raw += message.data.decode()
                elif message.type == aiohttp.WSMsgType.TEXT:
                    self.messages.append(json.loads(message.data))
                else:
                    assert true(), f"closed ({self.socket.close_code}) after {self.text[-2000:]}"

    async def closed(self) -> int | None:
        """Wait for the server to close; its code."""
        await self.until(lambda: self.socket.closed)
        return self.socket.close_code


@asynccontextmanager
async def _page(url: str, width: int = 120, height: int = 40):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{url}/ws?width={width}&height={height}", origin=url.rpartition("/~")[0], max_msg_size=0
        ) as ws,
    ):
        yield Page(session, ws)


def _run(story: Awaitable[None]) -> None:
    async def call() -> None:
        await story

    asyncio.run(call())


def _descendants(pid: int) -> dict[int, str]:
    """Number and command of the processes below one."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        below = {int(one): rest[0] if rest else "" for one, parent, *rest in rows if int(parent) in parents}
        found |= below
        parents = set(below)
    return found


async def _both_running(served: Served, page: Page) -> dict[int, str]:
    """Open the first exchange and wait for its findings; the workbench process and its analyst."""
    await page.until(lambda: "quit" in page.text)
    await page.send("stdin", "\r")
    await page.until(lambda: "Findings ·" in page.text)
    running = _descendants(served.process.pid)
    assert any("tui.web_app" in command for command in running.values()), running
    assert any("tui.analyst" in command for command in running.values()), running
    return running


def _all_gone(pids: dict[int, str]) -> None:
    end = monotonic() + _PATIENCE
    while left := [pid for pid in pids if _exists(pid)]:
        assert monotonic() < end, {pid: pids[pid] for pid in left}
        # Nothing tells of the end of a process that is not one's child.
        sleep(0.02)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_page_needs_nothing_from_elsewhere(served):
    async def story() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(served.url) as answer:
                assert answer.status == 200
                html, policy = await answer.text(), answer.headers["Content-Security-Policy"]
            assert "<title>streamlab</title>" in html
            assert set(re.findall(r"https?://[^\"' ]+", html)) == {"http://www.w3.org/2000/svg"}
            assert "default-src 'self'" in policy
            assert "http" not in policy
            asked = re.findall(r'(?:src|href)="(/static/[^"]+)"|url\("([^"]+)"\)', html)
            assert len(asked) >= 4
            for path in map("".join, asked):
                async with session.get(served.origin + path) as answer:
                    assert answer.status == 200, path
                    assert len(await answer.read()) > 100

    _run(story())


def test_page_names_the_websocket_as_the_browser_names_the_server(served):
    async def story() -> None:
        port, _, token = served.url.rpartition(":")[2].partition("/")
        async with (
            aiohttp.ClientSession() as session,
            session.get(served.url, headers={"Host": f"localhost:{port}"}) as answer,
        ):
            assert f'data-session-websocket-url="ws://localhost:{port}/{token}/ws"' in await answer.text()

    _run(story())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example:8000"},
        {"Host": "["},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["TOKEN/", "TOKEN/ws", "/static/js/textual.js"])
def test_other_websites_are_kept_out(served, headers, path):
    async def story() -> None:
        url = path.replace("TOKEN", served.url) if "TOKEN" in path else served.origin + path
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            assert answer.status in (400, 403)

    _run(story())


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/~", "/~/ws", "/~wrong/", "/~wrong/ws", "/~\u00e4/ws", "/nothing", "/download"]
)
def test_who_does_not_know_the_printed_address_sees_nothing(served, path):
    async def story() -> None:
        async with aiohttp.ClientSession() as session, session.get(served.origin + path) as answer:
            assert answer.status == 403
            assert "as it was printed" in await answer.text()
        other = served.url[:-1] + ("A" if served.url[-1] != "A" else "B")
        async with aiohttp.ClientSession() as session, session.get(other) as answer:
            assert answer.status == 403

    _run(story())


def test_every_server_has_an_address_of_its_own(served, shipped, tmp_path):
    with _serving(tmp_path, "--db", str(shipped)) as other:
        assert len(other.url.rpartition("/~")[2]) >= 20
        assert other.url.rpartition("/~")[2] != served.url.rpartition("/~")[2]


def test_one_page_too_many_is_told_so_and_starts_nothing(shipped, tmp_path):
    fewer = (
        "from streamlab.cli import main; from streamlab.tui.web_server import Pages; "
        "Pages.__init__.__kwdefaults__['most'] = 1; main()"
    )

    async def story(one: Served) -> None:
        async with _page(one.url) as first:
            await first.until(lambda: "quit" in first.text)
            before = set(_descendants(one.process.pid))
            async with _page(one.url) as second:
                assert await second.closed() == aiohttp.WSCloseCode.TRY_AGAIN_LATER
                assert "1 workbenches are open" in second.text
                assert set(_descendants(one.process.pid)) <= before
            await first.send("stdin", "q")
            assert await first.closed() == 1000
        async with _page(one.url) as third:
            await third.until(lambda: "quit" in third.text)

    with _serving(tmp_path, "--db", str(shipped), program=("-c", fewer)) as one:
        _run(story(one))


def test_keys_and_sizes_are_answered(served):
    async def story() -> None:
        async with _page(served.url) as page:
            await page.until(lambda: "tool-call-id-un" in page.text)
            assert "\x1b[45;" not in page.raw
            page.forget()
            await page.send("resize", {"width": 120, "height": 50})
            await page.until(lambda: "\x1b[50;1H" in page.raw and "quit" in page.text)
            await page.send("stdin", "\r")
            await page.until(lambda: "Timeline" in page.text and "Findings ·" in page.text)
            await page.send("ping", "1")
            await page.until(lambda: ["pong", "1"] in page.messages)

    _run(story())


def test_picture_and_clipboard_are_the_browsers(served, tmp_path):
    before = set(Path.cwd().glob("*.svg"))

    async def story() -> None:
        async with _page(served.url) as page:
            await page.until(lambda: "quit" in page.text)
            await page.send("stdin", "\r")
            await page.until(lambda: "Timeline" in page.text)
            await page.send("stdin", "y")
            await page.until(lambda: "\x1b]52;c;" in page.raw and "copied as curl" in page.text)
            await page.send("stdin", "\x1b[24~")
            await page.until(lambda: page.messages)
            [kind, key] = page.messages[0]
            assert kind == "deliver_file_start"
            async with page.session.get(f"{served.origin}/download/{key}") as answer:
                assert answer.content_type == "image/svg+xml"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert "Timeline" in (await answer.text())
            async with page.session.get(f"{served.origin}/download/{key}") as answer:
                assert answer.status == 404

    _run(story())
    assert set(Path.cwd().glob("*.svg")) == before


def test_nonsense_is_left_out(served):
    async def story() -> None:
        async with _page(served.url) as page:
            await page.socket.send_str("{nonsense")
            await page.socket.send_bytes(b"\x00")
            for message in (
                {"a": 1},
                [],
                ["stdin", 5],
                ["stdin", ""],
                ["stdin", "\ud800"],
                ["resize", {"width": -4, "height": "x"}],
            ):
                await page.socket.send_json(message)
            await page.send("resize", {"width": 10**12, "height": 20})
            await page.send("resize", {"width": 100, "height": 30})
            await page.until(lambda: "quit" in page.text)
            await page.send("stdin", "\r")
            await page.until(lambda: "Timeline" in page.text)

    _run(story())


def test_closing_the_page_ends_its_processes_and_remembers_where_one_was(served):
    async def story() -> None:
        async with _page(served.url) as page:
            running = await _both_running(served, page)
            await page.until(lambda: "event 0 of " in page.text)
            await page.send("stdin", "j")
            await page.until(lambda: "event 1 of " in page.text)
        _all_gone(running)
        async with _page(served.url) as page:
            await page.until(lambda: "quit" in page.text)
            page.forget()
            await page.send("stdin", "\r")
            await page.until(lambda: "event 1 of " in page.text)

    _run(story())


def test_a_page_closed_at_once_leaves_nothing(served):
    async def story() -> None:
        async with _page(served.url) as page:
            await page.send("ping", "1")
            await page.until(lambda: page.messages)
            running = _descendants(served.process.pid)
            assert running
        _all_gone(running)

    _run(story())


def test_leaving_the_workbench_closes_the_page(served):
    async def story() -> None:
        async with _page(served.url) as page:
            await page.until(lambda: "quit" in page.text)
            running = _descendants(served.process.pid)
            await page.send("stdin", "q")
            assert await page.closed() == 1000
        _all_gone(running)

    _run(story())


def test_a_workbench_that_was_killed_closes_its_page(served):
    async def story() -> None:
        async with _page(served.url) as page:
            await page.until(lambda: "quit" in page.text)
            running = _descendants(served.process.pid)
            os.kill(next(pid for pid, command in running.items() if "tui.web_app" in command), signal.SIGKILL)
            assert await page.closed() == 1000
        _all_gone(running)

    _run(story())


def test_ctrl_c_ends_server_and_workbenches(shipped, tmp_path):
    async def story(one: Served) -> None:
        async with _page(one.url) as page:
            running = await _both_running(one, page)
            one.process.send_signal(signal.SIGINT)
            assert await page.closed() == aiohttp.WSCloseCode.GOING_AWAY
            _all_gone(running)

    with _serving(tmp_path, "--db", str(shipped)) as one:
        _run(story(one))
        out, err = one.process.communicate(timeout=_PATIENCE)
        assert (one.process.returncode, out, err.strip()) == (130, "", "")


def test_a_server_that_was_killed_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("openai-plain", "glm4-tool-ids"):
        shutil.copytree(CAPTURES / name, tmp_path / "two" / name)

    async def story(one: Served) -> None:
        async with _page(one.url) as page:
            running = await _both_running(one, page)
            assert list(tmp_path.glob("streamlab-tui-*"))
            one.end(signal.SIGKILL)
        _all_gone(running)

    with _serving(tmp_path, str(tmp_path / "two")) as one:
        _run(story(one))
    assert not list(tmp_path.glob("streamlab-tui-*"))


def test_a_target_that_went_away_is_said_on_the_page(tmp_path):
    gone = tmp_path / "gone.sse"
    gone.write_bytes(b"data: [DONE]\n\n")

    async def story(one: Served) -> None:
        gone.unlink()
        async with _page(one.url) as page:
            await page.until(lambda: f"{gone}: no such file" in page.text)

    with _serving(tmp_path, str(gone)) as one:
        _run(story(one))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "127.0.0.1:99999"], "not an address"),
        (["--listen", "[::1]"], "not an address"),
        (["missing.sse"], "missing.sse: no such file"),
        (["-"], "no stdin"),
        (["--db", str(CAPTURES / "openai-plain" / "body.sse")], "body.sse"),
        (["7000", "--db", "DATABASE"], "no exchange 7000"),
    ],
)
def test_what_was_asked_for_is_checked_before_anything_is_served(shipped, taken_port, capsys, words, said):
    words = [str(shipped) if word == "DATABASE" else word for word in words]
    assert said in _refused(2, capsys, "--listen", taken_port, *words)


def test_a_taken_port_is_said(shipped, taken_port, capsys):
    said = _refused(3, capsys, "--db", str(shipped), "--listen", taken_port)
    assert f"cannot listen on {taken_port}: address already in use" in said


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def _refused(code: int, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line on stderr of a command that ends at once."""
    with pytest.raises(SystemExit) as ended:
        main(["tui", "--web", *words])
    out, err = capsys.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("streamlab: ")
    return err


def test_beyond_this_machine_there_is_a_warning_and_an_address_that_works(shipped, tmp_path):
    async def story(one: Served) -> None:
        assert "0.0.0.0" not in one.url
        async with _page(one.url) as page:
            await page.until(lambda: "quit" in page.text)

    with _serving(tmp_path, "--db", str(shipped), listen="0.0.0.0:0") as one:
        _run(story(one))
        code, err = one.end()
    assert (code, err.count("\n")) == (0, 1)
    assert "can read every capture" in err


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(shipped, tmp_path):
    async def story(one: Served) -> None:
        assert one.url.startswith("http://[::1]:")
        async with _page(one.url) as page:
            await page.until(lambda: "quit" in page.text)

    with _serving(tmp_path, "--db", str(shipped), listen="[::1]:0") as one:
        _run(story(one))
        assert one.end() == (0, "")


def test_without_textual_serve_it_says_what_to_install(monkeypatch, shipped):
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    with pytest.raises(CouldNotRunError, match=r"pip install '.*\[web\].*'"):
        web.serve(None, shipped, "127.0.0.1:0")
