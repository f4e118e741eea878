"""What every screen of the workbench answers to, so that the app need not know which screens there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual.screen import Screen

if TYPE_CHECKING:
    from streamlab.tui.app import Workbench

#: Class of an answer -> what a screen does with it.
Handlers: TypeAlias = dict[type, Callable[[Any, Any], None]]


class WorkbenchScreen(Screen[None]):
    """A screen that is told what the analyst says and when the capture changes."""

    app: Workbench
    #: What is done with an answer of the analyst, by its class; others are none of this screen's business.
    HANDLERS: ClassVar[Handlers] = {}

    def answered(self, answer: Any) -> None:
        """The analyst said something: one of `protocol`. What is about another exchange is dropped."""
        handler = self.HANDLERS.get(type(answer))
        token = getattr(answer, "token", None)
        if handler is not None and (token is None or self.concerns(token)):
            handler(self, answer)

    def concerns(self, token: int) -> bool:
        """Whether an answer with this token is about what is shown."""
        return False

    def capture_changed(self) -> None:
        """Somebody wrote to the capture."""

    def leaving(self) -> None:
        """The workbench is being left from this screen."""

    def search_on(self, step: int) -> None:
        """Go on with the last search."""

    def ask_line(
        self,
        label: str,
        done: Callable[[str | None], None],
        value: str = "",
        placeholder: str = "",
        changed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask for a line of input; ``done`` gets it, or None for escape."""
        from streamlab.tui.screens.prompt import PromptScreen  # brings Textual's Input, which opening does without

        self.app.push_screen(PromptScreen(label, value, placeholder, changed), done)
