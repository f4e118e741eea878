"""The workbench itself: holds the capture, the analyst process and what is remembered; shows the screens."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches

from streamlab.errors import StreamlabError
from streamlab.tui import protocol
from streamlab.tui.exchange_actions import ExchangeActions
from streamlab.tui.keys import keys_of
from streamlab.tui.link import Link
from streamlab.tui.memory import Memory, remember_event, remembered_event
from streamlab.tui.messages import AnalystAnswer
from streamlab.tui.opening import Opened
from streamlab.tui.screens.base import WorkbenchScreen
from streamlab.tui.themes import THEMES
from streamlab.tui.watcher import POLL_SECONDS, Watcher, watching
from streamlab.wire.visible import visible
from streamlab.workflows.leaving import signals_to_leave_at

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver
    from textual.screen import Screen


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
        self.watcher = watcher or watching(opened)
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
        self.actions = ExchangeActions(self)

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
        """Watch the capture, and leave in order when told to by a signal."""
        for number in signals_to_leave_at():
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not here, or not in this thread
                asyncio.get_running_loop().add_signal_handler(number, self.action_leave)
        if self.opened.coming:
            self.call_after_refresh(self.ask, protocol.Import(self.opened.coming, str(self.opened.path)))
        if self.watcher.news:
            self.tell(self.watcher.news)
        self.set_interval(POLL_SECONDS, self._look)
        self.call_after_refresh(_collect_again)

    def on_unmount(self) -> None:
        """Everything that was opened is closed."""
        self._link.listener = None
        if self._own_link:
            self._link.close()
        self.actions.close()
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
        self.post_message(AnalystAnswer(answer))

    def on_analyst_answer(self, message: AnalystAnswer) -> None:
        """Hand an answer to whom it concerns."""
        content = message.content
        handler = self._ANSWERS.get(type(content))
        if handler is not None:
            handler(self, content)
        else:
            self._tell_screens(lambda screen: screen.answered(content))

    def _failed(self, answer: protocol.Failed) -> None:
        self.tell(answer.message)

    def _imported(self, answer: protocol.Imported) -> None:
        if answer.problem:
            self.tell(answer.problem)

    #: What is done with an answer, by its class; all others are the screens'.
    _ANSWERS: ClassVar[dict[type, Callable[[Workbench, Any], None]]] = {
        protocol.Failed: _failed,
        protocol.Imported: _imported,
    }

    # -- screens

    def tell(self, text: str) -> None:
        """A line that goes away by itself."""
        self.notify(visible(text, 400), markup=False, timeout=4)

    def ask_line(self, label: str, value: str, done: Callable[[str | None], None]) -> None:
        """Ask for a line at the bottom of the screen in front."""
        if isinstance(self.screen, WorkbenchScreen):
            self.screen.ask_line(label, done, value)

    def open_exchange(self, exchange_id: int) -> None:
        """The exchange, where it was left."""
        if self.bring(exchange_id):
            self.push_screen(self._exchange_screen(exchange_id))

    def bring(self, *exchange_ids: int) -> bool:
        """Whether exchanges are where every part reads them; tells why one is not."""
        try:
            for one in exchange_ids:
                self.watcher.bring(one)
        except StreamlabError as error:
            self.tell(str(error))
            return False
        return True

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
        said = next((found for one in (part, self.screen) if (found := getattr(one, "HELP", None))), "")
        if said and not isinstance(self.screen, HelpScreen):
            name = str(part.border_title or "") or str(self.screen.title or "")
            self.push_screen(HelpScreen(visible(name), Text(f"{said}\n\n") + self._keys([part])))

    def action_all_keys(self) -> None:
        """Every key of the screen in front."""
        from streamlab.tui.screens.page import HelpScreen

        if isinstance(self.screen, HelpScreen):
            return
        self.push_screen(HelpScreen("All keys", self._keys(None)))

    def _keys(self, nodes: Sequence[object] | None) -> Text:
        """The keys that some parts answer to, or (None) all of the screen in front, a line each."""
        text = Text()
        seen: set[str] = set()
        bound = self.screen.active_bindings
        leads_to = {key: active.binding.action for key, active in bound.items()}
        for active in bound.values():
            one = active.binding
            keys = keys_of(active.node, one.action, leads_to)
            line = f"{keys}|{one.description}"
            if one.description and line not in seen and (nodes is None or active.node in nodes):
                seen.add(line)
                keys, _, what = line.partition("|")
                what = what.lower() if what[:1].isupper() else what  # the toolkit's own: "Scroll Left"
                text.append(f"{keys:<20}", "bold")
                text.append(f"{what}\n")
        return text

    def action_switch_theme(self) -> None:
        """Light or dark."""
        self.theme = "streamlab-light" if self.theme == "streamlab-dark" else "streamlab-dark"
        self.memory.data["theme"] = self.theme

    def action_picture(self) -> None:
        """An SVG of the screen, in the current folder."""
        self.tell(f"saved {self.save_screenshot()}")

    async def run_command(self, screen: Screen[Any], action: str) -> None:
        """An entry of the palette."""
        await self.run_action(action, self if action.startswith("app.") else screen)


def _collect_again() -> None:
    """What there is by now stays, so the collector need not look at it; see cli/tui.py."""
    gc.collect()
    gc.freeze()
    gc.enable()
