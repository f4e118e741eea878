"""One line of input at the bottom of the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input


class PromptScreen(ModalScreen[str | None]):
    """Gives the line, or None for escape; ``changed`` is called while somebody types."""

    DEFAULT_CSS = "PromptScreen { background: transparent; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave", show=False)]
    HELP: ClassVar[str] = "Enter takes the line, Escape leaves everything as it is."

    def __init__(self, placeholder: str, value: str = "", changed: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._placeholder, self._value, self._changed = placeholder, value, changed

    def compose(self) -> ComposeResult:
        """The input."""
        yield Input(self._value, placeholder=self._placeholder, id="prompt", select_on_focus=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell who asked while somebody types."""
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value)
