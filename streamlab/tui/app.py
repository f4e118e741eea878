"""The workbench itself: holds the capture, the analyst process and what is remembered; shows the screens."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches

from streamlab.errors import StreamlabError
from streamlab.tui import protocol
from streamlab.tui.link import Link
from streamlab.tui.memory import Memory, remember_event, remembered_event
from streamlab.tui.messages import Answer
from streamlab.tui.opening import Opened
from streamlab.tui.screens.base import WorkbenchScreen
from streamlab.tui.themes import THEMES
from streamlab.tui.watcher import POLL_SECONDS, Watcher
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from textual.command import Provider
    from textual.driver import Driver
    from textual.screen import Screen

    from streamlab.workflows.replay import BackgroundReplay


def _commands() -> type[Provider]:
    from streamlab.tui.commands import WorkbenchCommands

    return WorkbenchCommands


def _take_over_driver() -> type[Driver]:
    from streamlab.tui.terminal import TakeOverDriver

    return TakeOverDriver


class Workbench(App[None]):
    """``streamlab tui``. ``link`` may be shared by several workbenches that run one after another.

    ``over_first_frame`` says that `first_frame` is on the screen, which the workbench then draws over.
    """

    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "opened"
    TITLE = "streamlab"
    COMMANDS: ClassVar[set[Any]] = {_commands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "help", show=False),
        Binding("question_mark", "all_keys", "all keys", show=False),
        Binding("ctrl+c,ctrl+q", "leave", "quit", show=False, priority=True),
        Binding("f2", "switch_theme", "theme", show=False),
        Binding("f12", "picture", "picture", show=False),
        Binding("ctrl+g", "search_next(1)", "search on", show=False),
    ]

    def __init__(
        self,
        opened: Opened,
        *,
        link: Link | None = None,
        memory: Memory | None = None,
        watcher: Watcher | None = None,
        over_first_frame: bool = False,
    ) -> None:
        super().__init__(driver_class=_take_over_driver() if over_first_frame else None)
        self.opened = opened
        self.watcher = watcher or Watcher(opened.path)
        self.memory = memory or Memory()
        self._capture = self.memory.capture(opened.path) if opened.own else {}
        self.add_mode(self.DEFAULT_MODE, self._first_screen)
        self._link, self._own_link = link or Link(), link is None
        self._token = 0
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.memory.theme
        self._styled_with = self.get_css_variables()
        self.stylesheet.set_variables(self._styled_with)
        self._replaying: BackgroundReplay | None = None
        self._scratch: TemporaryDirectory[str] | None = None

    # -- life

    def refresh_css(self, animate: bool = True) -> None:
        """See `App`; which does so at every start too, although everything has been styled for the theme by then."""
        variables = self.get_css_variables()
        if variables != self._styled_with:
            self._styled_with = variables
            super().refresh_css(animate)

    def _first_screen(self) -> Screen[None]:
        """The exchange that was asked for, else the list. It asks the analyst process at once."""
        self._link.listener = self._heard
        wanted = self._capture.get("filter")
        self.watcher.filter = wanted if isinstance(wanted, str) and self.opened.exchange_id is None else ""
        self.watcher.changed()
        if self.opened.exchange_id is not None and self.watcher.browser is not None:
            return self._exchange_screen(self.opened.exchange_id)
        return self._list_screen()

    @staticmethod
    def _list_screen() -> Screen[None]:
        from streamlab.tui.screens.exchanges import ExchangesScreen

        return ExchangesScreen()

    def _exchange_screen(self, exchange_id: int) -> Screen[None]:
        from streamlab.tui.screens.exchange import ExchangeScreen

        event = remembered_event(self._capture, exchange_id)
        return ExchangeScreen(exchange_id, event, (self.size.width, self.size.height))

    def on_mount(self) -> None:
        """Watch the capture."""
        if self.opened.coming:
            self.call_after_refresh(self.ask, protocol.Import(self.opened.coming, str(self.opened.path)))
        self.set_interval(POLL_SECONDS, self._look)
        self.call_after_refresh(_collect_again)

    def on_unmount(self) -> None:
        """Everything that was opened is closed."""
        self._link.listener = None
        if self._own_link:
            self._link.close()
        self.stop_replaying()
        if self._scratch is not None:
            self._scratch.cleanup()
        if self.opened.own:
            self._capture["filter"] = self.watcher.filter
            self.memory.save()
        try:
            self.watcher.close()
        finally:
            self.opened.close()

    def action_leave(self) -> None:
        """Leave; the event looked at is remembered."""
        for screen in self._screens():
            screen.leaving()
        self.exit()

    def _screens(self) -> list[WorkbenchScreen]:
        return [one for one in self.screen_stack if isinstance(one, WorkbenchScreen) and one.is_mounted]

    def _look(self) -> None:
        try:
            changed = self.watcher.changed()
        except StreamlabError as error:
            self.tell(str(error))
            return
        if not changed:
            return
        self._tell_screens(lambda screen: screen.capture_changed())

    def _tell_screens(self, what: Callable[[WorkbenchScreen], None]) -> None:
        for screen in self._screens():
            # A screen that is being taken down has lost some of its parts already.
            with contextlib.suppress(NoMatches):
                what(screen)

    # -- the analyst process

    def ask(self, question: object) -> None:
        """Send the analyst process a question of `protocol`."""
        self._link.send(question)

    def next_token(self) -> int:
        """A number for an exchange that is being opened."""
        self._token += 1
        return self._token

    def _heard(self, answer: object) -> None:
        self.post_message(Answer(answer))

    def on_answer(self, message: Answer) -> None:
        """Hand an answer to whom it concerns."""
        content = message.content
        if isinstance(content, protocol.Failed):
            self.tell(content.message)
        elif isinstance(content, protocol.Imported):
            if content.problem:
                self.tell(content.problem)
        else:
            self._tell_screens(lambda screen: screen.answered(content))

    # -- screens

    def tell(self, text: str) -> None:
        """A line that goes away by itself."""
        self.notify(visible(text, 400), markup=False, timeout=4)

    def open_exchange(self, exchange_id: int) -> None:
        """The exchange, where it was left."""
        self.push_screen(self._exchange_screen(exchange_id))

    def back_to_list(self) -> None:
        """From an exchange to the list."""
        if len(self.screen_stack) == 1:
            # Textual cannot switch away from the screen that a mode begins with, so the list is a mode of its own.
            self.add_mode("list", self._list_screen)
            self.switch_mode("list")
            self.remove_mode(self.DEFAULT_MODE)
            return
        self.pop_screen()
        for screen in self._screens():
            screen.capture_changed()

    def remember(self, exchange_id: int, event: int) -> None:
        """Where somebody was."""
        remember_event(self._capture, exchange_id, event)

    def show_rule(self, name: str) -> None:
        """A rule's page."""
        from streamlab.apis.registry import find_rule
        from streamlab.report.rule_page import markdown
        from streamlab.tui.screens.page import PageScreen

        self.push_screen(PageScreen(name, markdown(find_rule(name))))

    def action_help(self) -> None:
        """F1: what the focused part shows."""
        from streamlab.tui.screens.page import HelpScreen

        part = self.focused or self.screen
        text = next((found for one in (part, self.screen) if (found := getattr(one, "HELP", None))), "")
        if text and not isinstance(self.screen, HelpScreen):
            name = str(part.border_title or "") or type(part).__name__
            self.push_screen(HelpScreen(visible(name), Text(text)))

    def action_all_keys(self) -> None:
        """Every key of the screen in front."""
        from streamlab.tui.screens.page import HelpScreen

        if isinstance(self.screen, HelpScreen):
            return
        text = Text()
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            one = active.binding
            line = f"{_keys_of(active.node, one.action)}|{one.description}"
            if one.description and line not in seen:
                seen.add(line)
                keys, _, what = line.partition("|")
                text.append(f"{keys:<20}", "bold")
                text.append(f"{what}\n")
        self.push_screen(HelpScreen("All keys", text))

    def action_switch_theme(self) -> None:
        """Light or dark."""
        self.theme = "streamlab-light" if self.theme == "streamlab-dark" else "streamlab-dark"
        self.memory.data["theme"] = self.theme

    def action_picture(self) -> None:
        """An SVG of the screen, in the current folder."""
        self.tell(f"saved {self.save_screenshot()}")

    def action_search_next(self, step: int) -> None:
        """Search on in the exchange in front."""
        if isinstance(self.screen, WorkbenchScreen):
            self.screen.search_on(step)

    async def run_command(self, screen: Screen[Any], action: str) -> None:
        """An entry of the palette."""
        await self.run_action(action, self if action.startswith("app.") else screen)

    # -- doing

    def set_mark(self, exchange_id: int, event: int, note: str | None) -> None:
        """Mark an event or an exchange."""
        try:
            self.watcher.set_mark(exchange_id, event, note)
        except StreamlabError as error:
            self.tell(str(error))

    def copy_curl(self, exchange_id: int) -> None:
        """The request on the clipboard."""
        from streamlab.tui.doing import curl_command

        command = curl_command(self.watcher.exchange(exchange_id))
        if command is None:
            self.tell("the request is unknown")
        else:
            self.copy_to_clipboard(command)
            self.tell("copied as curl")

    def ask_export(self, exchange_id: int) -> None:
        """Ask where to, then write a fixture."""

        from streamlab.tui import doing

        def done(line: str | None) -> None:
            if line:
                self._do(lambda: f"exported to {doing.export_fixture(self.watcher.path, exchange_id, Path(line))}")

        self._ask_line("export a fixture below the folder", "fixtures", done)

    def ask_normalize(self, exchange_id: int) -> None:
        """Ask where to, then write the mended stream."""

        def done(line: str | None) -> None:
            if line:
                self._do(lambda: f"{line}: {self._normalize(exchange_id, Path(line))}")

        self._ask_line("write the mended stream to", f"normalized-{exchange_id}.sse", done)

    def _ask_line(self, asked: str, value: str, done: Callable[[str | None], None]) -> None:
        if isinstance(self.screen, WorkbenchScreen):
            self.screen.ask_line(asked, done, value)

    def _normalize(self, exchange_id: int, target: Path) -> str:
        from streamlab.tui import doing

        watcher = Watcher(self.watcher.path)
        try:
            return doing.write_normalized(watcher.exchange(exchange_id), target)
        finally:
            watcher.close()

    def _do(self, work: Any) -> None:
        """Something that takes a while: in a thread, and its outcome in a line."""

        def run() -> None:
            try:
                said = work()
            except (StreamlabError, OSError) as error:
                said = str(error)
            self.call_from_thread(self.tell, said)

        self.run_worker(run, thread=True, exit_on_error=False)

    def replay(self, exchange_id: int) -> None:
        """Serve an exchange on a free port; again, and the server stops."""
        if self._replaying is not None:
            self.stop_replaying()
            self.tell("the replay has stopped")
            return
        from streamlab.workflows.replay import BackgroundReplay, playables

        try:
            self._replaying = BackgroundReplay(playables([f"{self.watcher.path}#{exchange_id}"]), speed=1.0)
            self._replaying.__enter__()
        except (StreamlabError, OSError) as error:
            self._replaying = None
            self.tell(str(error))
            return
        self.copy_to_clipboard(self._replaying.base_url)
        self.tell(f"replaying at {self._replaying.base_url} (copied); r stops it")

    def stop_replaying(self) -> None:
        """End the replay server, when there is one."""
        if self._replaying is not None:
            self._replaying.__exit__(None, None, None)
            self._replaying = None

    def open_comparison(self, left: int, right: int | None) -> None:
        """Two exchanges beside each other; None compares the left one with its normalized form."""
        from tempfile import TemporaryDirectory

        from streamlab.tui.screens.compare import CompareScreen

        if self._scratch is None:
            self._scratch = TemporaryDirectory(prefix="streamlab-tui-")
        self.push_screen(CompareScreen(left, right, str(Path(self._scratch.name) / "normalized.db")))


def _collect_again() -> None:
    """What there is by now stays, so the collector need not look at it; see cli/tui.py."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _keys_of(node: Any, action: str) -> str:
    """The keys of an action, as people know them."""
    names = {
        "slash": "/", "right_square_bracket": "]", "left_square_bracket": "[", "right_curly_bracket": "}",
        "left_curly_bracket": "{", "greater_than_sign": ">", "less_than_sign": "<", "full_stop": ".", "comma": ",",
        "question_mark": "?", "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":",
    }  # fmt: skip
    keys = [key for key, found in node._bindings.key_to_bindings.items() for one in found if one.action == action]
    return " ".join(names.get(key, key) for key in keys)
