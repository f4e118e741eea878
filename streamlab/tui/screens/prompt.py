"""Asks for one line at the bottom of the screen, which stays in sight above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class PromptScreen(ModalScreen[str | None]):
    """Gives the line, or None for escape; ``changed`` is called while somebody types.

    ``label`` says what is asked for and stays while somebody types; ``placeholder`` is an example, which does not.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave", show=False)]
    HELP: ClassVar[str] = "Enter takes the line, Escape leaves everything as it is."

    def __init__(
        self, label: str, value: str = "", placeholder: str = "", changed: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._label, self._value, self._placeholder, self._changed = label, value, placeholder, changed

    def compose(self) -> ComposeResult:
        """What is asked for, and the input; what stands there already is selected, so that typing replaces it."""
        with Horizontal(id="ask"):
            yield Static(Text(self._label, "bold"), id="label", markup=False)
            yield Input(self._value, placeholder=self._placeholder, id="prompt", select_on_focus=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell who asked while somebody types."""
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value)
