"""A page of text: help, a rule's page, all keys."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from streamlab.tui.widgets.key_bar import KeyBar
from streamlab.tui.widgets.text_pane import TextPane


class HelpScreen(ModalScreen[None]):
    """F1: what the focused part shows, and its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,enter,question_mark", "dismiss", "close", show=False)]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        with VerticalScroll(id="help") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "Escape closes"
            yield Static(self._text, markup=False)


class MarkdownPane(TextPane):
    """A page of our own in Markdown, rendered for the width there is."""

    def __init__(self, source: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._source = source

    def lines(self, width: int) -> list[Text]:
        """See `TextPane`."""
        console = Console(width=min(width, 100), force_terminal=False)
        rendered = console.render_lines(Markdown(self._source, hyperlinks=False), pad=False)
        return [Text.assemble(*((one.text, one.style or "") for one in line)) for line in rendered]


class PageScreen(Screen[None]):
    """A page over the whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "back", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, title: str, source: str) -> None:
        super().__init__()
        self._title, self._source = title, source

    def compose(self) -> ComposeResult:
        """Title, page, keys."""
        yield Static(Text(self._title, "bold"), id="title", markup=False)
        yield MarkdownPane(self._source, id="page", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one("#page").focus()
        self.query_one(KeyBar).show([("j k", "scroll"), ("q", "back")])

    def action_scroll(self, step: int) -> None:
        """A line down or up."""
        pane = self.query_one("#page", MarkdownPane)
        pane.scroll_relative(y=step, animate=False)
