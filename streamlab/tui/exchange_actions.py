"""What the workbench does with an exchange beyond showing it: marks, copies, exports, serves, compares it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from streamlab.errors import StreamlabError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from streamlab.tui.app import Workbench
    from streamlab.tui.exchange_files import ToShare
    from streamlab.workflows.replay import BackgroundReplay


class ExchangeActions:
    """Told to people in a line each; what takes a while is done in a thread."""

    def __init__(self, app: Workbench) -> None:
        self._app = app
        self._replaying: BackgroundReplay | None = None
        self._scratch: TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Nothing is served any more, and nothing is left on the disk."""
        self._stop_replaying()
        if self._scratch is not None:
            self._scratch.cleanup()

    def set_mark(self, exchange_id: int, event: int, note: str | None) -> None:
        """Mark an event or an exchange."""
        if not self._app.bring(exchange_id):
            return
        try:
            self._app.watcher.set_mark(exchange_id, event, note)
        except StreamlabError as error:
            self._app.tell(str(error))

    def copy_curl(self, exchange_id: int) -> None:
        """The request on the clipboard."""
        from streamlab.tui.exchange_files import curl_command

        if not self._app.bring(exchange_id):
            return
        command = curl_command(self._app.watcher.exchange(exchange_id))
        if command is None:
            self._app.tell("the request is unknown")
        else:
            self._app.copy_to_clipboard(command)
            self._app.tell("copied as curl")

    def ask_export(self, exchange_id: int) -> None:
        """Ask where to, then write a fixture."""
        from streamlab.tui.exchange_files import export_fixture

        path = self._app.watcher.path
        if not self._app.bring(exchange_id):
            return

        def done(line: str | None) -> None:
            if line:
                self._do(lambda: f"exported to {export_fixture(path, exchange_id, Path(line))}")

        self._app.ask_line("export a fixture below the folder", "fixtures", done)

    def ask_normalize(self, exchange_id: int) -> None:
        """Ask where to, then write the mended stream."""

        def done(line: str | None) -> None:
            if line:
                self._do(lambda: f"{line}: {self._normalize(exchange_id, Path(line))}")

        self._app.ask_line("write the mended stream to", f"normalized-{exchange_id}.sse", done)

    def _normalize(self, exchange_id: int, target: Path) -> str:
        from streamlab.tui.exchange_files import write_normalized
        from streamlab.tui.watcher import Watcher

        watcher = Watcher(self._app.watcher.path)
        try:
            return write_normalized(watcher.exchange(exchange_id), target)
        finally:
            watcher.close()

    def ask_share(self, exchange_id: int, *, text: bool) -> None:
        """Say what is masked, ask where to, then write a bundle and a page."""
        from streamlab.tui.exchange_files import prepare, write_shared

        path = self._app.watcher.path
        if not self._app.bring(exchange_id):
            return

        def ask(prepared: ToShare) -> None:
            def done(line: str | None) -> None:
                if line:
                    self._do(lambda: f"shared: {write_shared(prepared, Path(line))}")

            self._app.ask_line(f"{prepared.masked}; write a bundle and a page below the folder", "shared", done)

        def look() -> None:
            try:
                prepared = prepare(path, exchange_id, text=text)
            except (StreamlabError, OSError) as error:
                self._app.call_from_thread(self._app.tell, str(error))
            else:
                self._app.call_from_thread(ask, prepared)

        self._app.run_worker(look, thread=True, exit_on_error=False)

    def _do(self, work: Callable[[], str]) -> None:
        """Something that takes a while: in a thread, and its outcome in a line."""

        def run() -> None:
            try:
                said = work()
            except (StreamlabError, OSError) as error:
                said = str(error)
            self._app.call_from_thread(self._app.tell, said)

        self._app.run_worker(run, thread=True, exit_on_error=False)

    @property
    def is_replaying(self) -> bool:
        """Whether an exchange is being served."""
        return self._replaying is not None

    def replay(self, exchange_id: int) -> None:
        """Serve an exchange on a free port; again, and the server stops."""
        app = self._app
        if self._replaying is not None:
            self._stop_replaying()
            app.tell("the replay has stopped")
            return
        if not app.bring(exchange_id):
            return
        from streamlab.servers.posix import need_posix

        try:
            need_posix("serving an exchange")
            from streamlab.workflows.replay import BackgroundReplay, playables

            self._replaying = BackgroundReplay(playables([f"{app.watcher.path}#{exchange_id}"]), speed=1.0)
            self._replaying.__enter__()
        except (StreamlabError, OSError) as error:
            self._replaying = None
            app.tell(str(error))
            return
        app.copy_to_clipboard(self._replaying.base_url)
        app.tell(f"replaying at {self._replaying.base_url} (copied); r stops it")

    def _stop_replaying(self) -> None:
        if self._replaying is not None:
            self._replaying.__exit__(None, None, None)
            self._replaying = None

    def open_comparison(self, left: int, right: int | None) -> None:
        """Two exchanges beside each other; None compares the left one with its normalized form."""
        from tempfile import TemporaryDirectory

        from streamlab.tui.screens.compare import CompareScreen

        if not self._app.bring(left, *(() if right is None else (right,))):
            return
        if self._scratch is None:
            self._scratch = TemporaryDirectory(prefix="streamlab-tui-")
        self._app.push_screen(CompareScreen(left, right, str(Path(self._scratch.name) / "normalized.db")))
