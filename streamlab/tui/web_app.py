"""The workbench as a process behind a browser: speaks textual-serve's protocol on stdin and stdout.

``python -m streamlab.tui.web_app DB TARGET``; either may be empty. Started by `web_server`, once for each browser.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from textual.drivers.web_driver import WebDriver

from streamlab.errors import StreamlabError
from streamlab.tui.app import Workbench
from streamlab.tui.opening import open_target
from streamlab.wire.visible import visible

_CLEAR = "\x1b[2J\x1b[H"


class WebWorkbench(Workbench):
    """What is kept by the browser instead of by this machine."""

    def action_picture(self) -> None:
        """An SVG of the screen, in a new tab; Textual says when it is there."""
        self.deliver_screenshot()


class PageDriver(WebDriver):
    """Leaves properly, remembering where somebody was, when the page is closed or the server is gone."""

    def run_input_thread(self) -> None:
        """Until the input ends: without this, the process would outlive a server that was killed."""
        super().run_input_thread()
        self._leave()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """What the server says beside keys."""
        if packet_type == "quit":
            self._leave()
        else:
            super().on_meta(packet_type, payload)

    def write(self, data: str) -> None:
        """Draw; with nobody to draw for, leaving still goes its way."""
        with contextlib.suppress(BrokenPipeError):
            super().write(data)

    def write_meta(self, data: dict[str, object]) -> None:
        """Say something that is not drawn."""
        with contextlib.suppress(BrokenPipeError):
            super().write_meta(data)

    def _leave(self) -> None:
        app: Any = self._app
        app.call_later(app.action_leave)


def main(db: str, target: str) -> int:
    """Run the workbench; what cannot be opened is said on the page, where somebody is looking."""
    try:
        opened = open_target(target or None, Path(db) if db else None)
    except (StreamlabError, OSError) as error:
        message = visible(f"streamlab: {error}")
        print(message, file=sys.stderr, flush=True)
        _show(message)
        return 2
    workbench = WebWorkbench(opened)
    try:
        workbench.run()
    finally:
        opened.close()  # also after a crash
    return 3 if workbench.return_code else 0


def _show(message: str) -> None:
    """A line of text on the page, until it is closed."""
    data = (_CLEAR + message).encode()
    os.write(1, b"__GANGLION__\nD" + len(data).to_bytes(4, "big") + data)
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
