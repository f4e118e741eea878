"""The web server of ``streamlab tui --web``: textual-serve's page and protocol, kept to this machine.

textual-serve's own server is not used: it fetches a font from the internet, writes the address it listens on into its
page (so that the page works under no other), lets every website that is open in the same browser in, and leaves
processes behind. What is used of it: the page, the protocol with the app (AppService), and downloads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve import download_manager
from textual_serve.app_service import AppService
from textual_serve.server import Server

#: How long a workbench may take to leave before it is killed, and a browser to say goodbye.
_LEAVE_SECONDS, _GOODBYE_SECONDS = 3.0, 1.0
#: How long a download waits for its next piece: a workbench on a busy machine takes longer than textual-serve's 4 s.
_PIECE_SECONDS = 60
_OUTSIDE_FONT = re.compile(r'<link\s[^>]*href="https?://[^>]*>')
#: The font comes with textual-serve, whose page does without it.
_HEAD = """<meta charset="utf-8"><title>streamlab</title><link rel="icon" href="data:,">
<style>
@font-face {
  font-family: "Roboto Mono"; font-display: block; font-weight: 100 700;
  src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf");
}
body, .xterm-viewport { overflow: hidden !important; }
</style>"""
#: Nothing on the page is fetched from elsewhere, whatever textual-serve's next page may ask for. ("ws:" stands alone
#: because not every browser counts websockets as 'self', nor takes an IPv6 address here.)
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws:; frame-ancestors 'none'"
)
_DOWNLOAD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_MAX_CELLS = 1000
#: Workbenches at once, each of which is a process, and one more for its analysis.
MOST_PAGES = 16
_CLEAR = "\x1b[2J\x1b[H"


class Page(AppService):
    """The workbench process of one browser."""

    def __init__(self, words: tuple[str, ...], websocket: web.WebSocketResponse, server: Server) -> None:
        super().__init__(
            words[0],
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,  # type: ignore[arg-type]
            download_manager=server.download_manager,
        )
        self._words = words

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        environment = super()._build_environment(width, height)
        return {**environment, "TEXTUAL_DRIVER": "streamlab.tui.web_app:PageDriver"}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._build_environment(width, height),
            # Ctrl-C in the terminal is the server's affair, which lets every workbench leave in order.
            start_new_session=True,
        )
        self._process, self._stdin = process, process.stdin
        return process

    async def on_data(self, payload: bytes) -> None:
        """To the browser; when that has gone, the rest is read all the same, or the process would wait for ever."""
        with contextlib.suppress(ConnectionError):
            await super().on_data(payload)

    async def run(self) -> None:
        """Until the process ends; the page then says so instead of showing the last picture."""
        await super().run()
        with contextlib.suppress(ConnectionError):
            await self.remote_close()

    async def stop(self) -> None:
        """Let the process leave, remembering where somebody was; kill it when it does not."""
        process, task = self._process, self._task
        if process is None or task is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        self.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _LEAVE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        await asyncio.wait([task], timeout=_LEAVE_SECONDS)
        task.cancel()


class Pages:
    """Answers browsers that name ``token`` in the path, as the printed address does.

    A path stays with this server; a cookie would go to every other one on the same host, whoever runs it.
    """

    def __init__(self, words: tuple[str, ...], token: str, *, local: bool, most: int = MOST_PAGES) -> None:
        self._words, self._token, self._most = words, token, most
        self._local = local
        self._server = Server("", title="streamlab")
        download_manager.DOWNLOAD_TIMEOUT = _PIECE_SECONDS
        loader = jinja2.FileSystemLoader(self._server.templates_path)
        self._template = jinja2.Environment(loader=loader, autoescape=True).get_template("app_index.html")
        self._open: set[web.WebSocketResponse] = set()

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/~{token}", self._index),
                web.get("/~{token}/", self._index),
                web.get("/~{token}/ws", self._websocket),
                # What is to be downloaded has a key of its own, which nobody can guess and which is good for once.
                web.get("/download/{key}", self._server.handle_download),
                web.static("/static", self._server.statics_path),
            ]
        )
        app.on_response_prepare.append(_add_policy)
        app.on_shutdown.append(self._close_all)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Keep other websites out: a browser lets each of them open websockets to this machine, and lets their names
        point to it."""
        if self._local and not _names_loopback(request.host):
            raise web.HTTPForbidden(text="this workbench is only for the machine it runs on: http://localhost\n")
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin != f"http://{request.host}"
        if foreign or request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site":
            raise web.HTTPForbidden(text="other websites have no business here\n")
        if not request.path.startswith(("/static/", "/download/")) and not self._is_ours(request):
            raise web.HTTPForbidden(text="open the address as it was printed, with the word after /~\n")
        return await handler(request)

    def _is_ours(self, request: web.Request) -> bool:
        given = request.match_info.get("token", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())

    async def _index(self, request: web.Request) -> web.Response:
        html = self._template.render(
            font_size=_number(request, "fontsize", 16),
            app_websocket_url=f"ws://{request.host}/~{self._token}/ws",
            config={"static": {"url": "/static/"}},
            application={"name": "streamlab"},
        )
        html = _OUTSIDE_FONT.sub("", html).replace("<head>", f"<head>{_HEAD}", 1)
        return web.Response(text=html, content_type="text/html")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(heartbeat=15, timeout=_GOODBYE_SECONDS)
        await websocket.prepare(request)
        if len(self._open) >= self._most:
            said = f"{self._most} workbenches are open, which is as many as may be; close one and load this page again"
            await websocket.send_bytes(f"{_CLEAR}{said}".encode())
            await websocket.close(code=WSCloseCode.TRY_AGAIN_LATER)
            return websocket
        self._open.add(websocket)
        page = Page(self._words, websocket, self._server)
        try:
            await page.start(_number(request, "width", 80), _number(request, "height", 24))
            await _pass_on(websocket, page)
        finally:
            self._open.discard(websocket)
            await page.stop()
        return websocket

    async def _close_all(self, _app: web.Application) -> None:
        await asyncio.gather(*(one.close(code=WSCloseCode.GOING_AWAY) for one in list(self._open)))


async def _pass_on(websocket: web.WebSocketResponse, page: Page) -> None:
    """What the browser sends, to the workbench, until it closes. What is not understood is left out."""
    async for message in websocket:
        if message.type != WSMsgType.TEXT:
            continue
        match _parsed(message):
            case ["stdin", str(keys)] if data := keys.encode("utf-8", "ignore"):
                await page.send_bytes(data)  # never nothing: the workbench would take it for the end of all input
            case ["resize", {"width": int(width), "height": int(height)}]:
                await page.set_terminal_size(_clamped(width), _clamped(height))
            case ["ping", sent]:
                await websocket.send_json(["pong", sent])
            case ["focus"]:
                await page.focus()
            case ["blur"]:
                await page.blur()


def _parsed(message: object) -> object:
    try:
        return message.json()  # type: ignore[attr-defined]
    except ValueError:
        return None


async def _add_policy(request: web.Request, response: web.StreamResponse) -> None:
    download = request.path.startswith("/download/")
    response.headers["Content-Security-Policy"] = _DOWNLOAD_POLICY if download else _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


def _names_loopback(address: str) -> bool:
    try:
        host = urlsplit(f"//{address}").hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return _clamped(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else default


def _clamped(cells: int) -> int:
    """A screen nobody has would take memory nobody has."""
    return max(1, min(cells, _MAX_CELLS))


def run(listener: socket.socket, target: str | None, db: Path | None, token: str, *, local: bool) -> bool:
    """Serve a listening socket until SIGINT (True) or SIGTERM (False); ``local`` refuses all names but loopback's."""
    words = (sys.executable, "-m", "streamlab.tui.web_app", str(db or ""), target or "")
    return asyncio.run(_run(listener, Pages(words, token, local=local)))


async def _run(listener: socket.socket, pages: Pages) -> bool:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def tell(interrupted: bool) -> None:
        if not told.done():
            told.set_result(interrupted)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, tell, number == signal.SIGINT)
    runner = web.AppRunner(pages.app(), access_log=None, shutdown_timeout=2 * _LEAVE_SECONDS + _GOODBYE_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        return await told
    finally:
        await runner.cleanup()
