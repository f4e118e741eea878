"""Regenerates the pictures of the workbench from the shipped captures: ``python docs/screenshots.py [--png]``.

Writes docs/images/*.svg. ``--png`` also writes PNGs next to them, with chromium or rsvg-convert, for looking at.
"""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from rich.cells import cell_len

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.targets import find_files
from streamlab.tui.app import Workbench
from streamlab.tui.memory import Memory
from streamlab.tui.opening import Opened
from streamlab.tui.screens.compare import CompareScreen
from streamlab.tui.screens.exchange import ExchangeScreen

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
CAPTURES = sorted(one for one in (ROOT / "captures").iterdir() if one.is_dir())
_FONTS = "'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', 'WenQuanYi Zen Hei Mono', Menlo, Consolas, monospace"
_PATIENCE = 30.0
_CELL = 12.2

Press = Callable[..., Awaitable[None]]


def _number(name: str) -> int:
    return 1 + [one.name for one in CAPTURES].index(name)


def _down_to(name: str) -> tuple[str, ...]:
    """From the newest exchange, which stands above, to this one; one further down is what came before it."""
    return ("j",) * (len(CAPTURES) - _number(name))


#: picture -> (size, capture or None for the list, keys)
PICTURES: dict[str, tuple[tuple[int, int], str | None, tuple[str, ...]]] = {
    "list": ((140, 26), None, ()),
    "exchange": ((180, 44), "glm4-newline", ("n",)),
    "tool-calls": ((180, 44), "glm4-tool-ids", ("n", "j", "j", "j", "j", "j", "j")),
    "narrow": ((80, 24), "oneapi-gemini-stop-everywhere", ("n",)),
    "client": ((120, 32), "openai-plain", (*"jjjjjjjjj", "c")),
    "compare": ((140, 34), None, (*_down_to("oneapi-glm4-newline-upstream"), "c", "j", "c", *"nnnnnnn")),
    "rule": ((120, 40), "glm4-tool-ids", ("n", "o")),
    "light": ((140, 40), "onehub-double-finish", ("f2", "n")),
}


async def picture(database: Path, size: tuple[int, int], capture: str | None, keys: tuple[str, ...]) -> str:
    """One picture as SVG."""
    opened = Opened(database, _number(capture) if capture is not None else None)
    with tempfile.TemporaryDirectory() as state:
        app = Workbench(opened, memory=Memory(Path(state) / "state.json"))
        async with app.run_test(size=size) as pilot:
            await _settle(app, pilot.pause)
            for key in keys:
                await pilot.press(key)
                await _settle(app, pilot.pause)
            return _portable(app.export_screenshot(title="streamlab tui"))


async def _settle(app: Workbench, pause: Press) -> None:
    """Until the analyst has said everything."""
    end = monotonic() + _PATIENCE
    while monotonic() < end and not _settled(app):
        await pause(0.02)
    await pause(0.2)


def _settled(app: Workbench) -> bool:
    screen = app.screen
    if isinstance(screen, ExchangeScreen):
        return screen.settled
    if isinstance(screen, CompareScreen):
        return screen.is_compared
    rows = app.watcher.rows(list(app.watcher.ids))
    return all(row.summary is not None for row in rows.values())


def _portable(svg: str) -> str:
    """Without fonts from the network; no line of it ends in blanks, and
    wide characters are as wide as they are."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code[^;]*;", f"font-family: {_FONTS};", svg)
    svg = re.sub(r'textLength="[\d.]+"( clip-path="[^"]*")>([^<]*)</text>', _measured, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _measured(match: re.Match[str]) -> str:
    """A text of wide characters takes two cells for each."""
    cells = cell_len(html.unescape(match[2]))
    return f'textLength="{cells * _CELL:g}"{match[1]}>{match[2]}</text>'


def _png(svg: Path) -> None:
    png = svg.with_suffix(".png")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is not None:
        found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text(encoding="utf-8"))
        size = f"{int(float(found[1])) + 1},{int(float(found[2])) + 1}" if found else "1600,1000"
        words = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={size}"]
        subprocess.run([*words, f"--screenshot={png}", svg.as_uri()], check=True, capture_output=True)
    elif shutil.which("rsvg-convert"):
        subprocess.run(["rsvg-convert", "-o", str(png), str(svg)], check=True)


def main() -> None:
    """Write all pictures, or those that are named."""
    wanted = [one for one in sys.argv[1:] if not one.startswith("-")] or list(PICTURES)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "streamlab.db"
        with CaptureDB(database, write=True) as db:
            for capture in CAPTURES:
                for target in find_files(str(capture)):
                    db.add(target.read())
        for name in wanted:
            path = IMAGES / f"{name}.svg"
            path.write_text(asyncio.run(picture(database, *PICTURES[name])), encoding="utf-8")
            print(path.relative_to(ROOT))
            if "--png" in sys.argv:
                _png(path)


if __name__ == "__main__":
    main()
