"""What a client holds at the cursor's event: the message, the tool calls, the usage; it follows the cursor."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text

from streamlab.rules.finding import Severity
from streamlab.tui.palette import BOLD, DIM, GOOD, PLAIN, SEVERITY, TOOL
from streamlab.tui.widgets.text_pane import TextPane
from streamlab.wire.calls import called
from streamlab.wire.visible import visible

#: Characters of a text that are shown; the end of it is where things happen.
_TAIL = 4_000
_NEW = Style(bold=True, underline=True)


class StatePane(TextPane):
    """The completion a client has folded so far; what this event added is underlined."""

    HELP: ClassVar[str] = """\
What a client that reads as the official ones do holds after the event at the cursor.
What this event added is underlined. Arguments are shown as text, as they grow;
✓ says that they are complete JSON. Of an answer that came whole, it is what stands in it.

h chooses a client: what it was measured to do on the findings up to here stands above, and
below what has reached it; without one it is what a client holds that minds nothing."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._held: dict[str, Any] = {}
        self._added: dict[str, str] = {}
        self._lengths: dict[str, int] = {}
        self._note = self._foreign = ""
        self._told: tuple[Text, ...] = ()

    def tell(self, lines: tuple[Text, ...]) -> None:
        """What stands above: the client that was chosen, and what becomes of it."""
        if lines != self._told:
            self._told = lines
            self.update_lines(top=False)

    def show(
        self,
        held: dict[str, Any] | None,
        lengths: dict[str, int],
        added: dict[str, str],
        *,
        note: str = "",
        foreign: str = "",
    ) -> None:
        """A completion (wire/accumulate.py) with the ends of its texts and their lengths, and by its key the text
        that the last event added. ``note`` stands in its place; ``foreign`` is the API it was translated from."""
        self._held, self._lengths, self._added = held or {}, lengths, added
        self._note, self._foreign = note, foreign
        self.update_lines(top=False)
        self.call_after_refresh(self.scroll_end, animate=False)

    def lines(self, width: int) -> list[Text]:
        """See `TextPane`."""
        lines = [part for one in self._told for part in self.wrapped(one, width, "  ")]
        if self._note:
            return [*lines, *self.wrapped(Text(self._note, DIM), width)]
        held = self._held
        if self._foreign:
            said = f"no OpenAI client reads {visible(self._foreign, 40)}; this is what its translation comes to"
            lines += self.wrapped(Text(said, DIM), width)
        if error := held.get("error"):
            lines += self._titled("error", _json(error), width, SEVERITY[Severity.ERROR])
        finish = held.get("finish_reason")
        lines.append(
            Text.assemble(
                ("role ", DIM), (_one(held.get("role")), BOLD), ("   finish_reason ", DIM), (_one(finish), GOOD)
            )
        )
        for key in ("reasoning", "refusal", "content"):
            if held.get(key) or key == "content":
                lines += self._text(key, held.get(key), width)
        for call in held.get("tool_calls") or ():
            lines += self._call(call, width)
        if legacy := held.get("function_call"):
            lines += self._titled("function_call", _json(legacy), width)
        if held.get("usage") is not None:
            lines += self._titled("usage", _json(held["usage"]), width)
        if self._lengths.get("choices", 0) > 1:
            lines.append(Text(f"{self._lengths['choices']} choices; this is the first", DIM))
        return lines

    def _titled(self, title: str, text: str, width: int, style: Style = PLAIN) -> list[Text]:
        return self.wrapped(Text.assemble((f"{title} ", DIM), (text, style)), width, "  ")

    def _text(self, key: str, value: Any, width: int) -> list[Text]:
        if not isinstance(value, str):
            return [Text.assemble((f"{key} ", DIM), (_one(value), DIM))]
        length = self._lengths.get(key, len(value))
        shown, left = value[-_TAIL:], length - _TAIL
        head = Text(f"{key} · {length:,} characters", DIM)
        body = Text("…" if left > 0 else "")
        added = self._added.get(key, "")
        kept = shown[: len(shown) - len(added)] if added and shown.endswith(added) else shown
        lines = [head]
        for text, style in ((kept, Style()), (shown[len(kept) :], _NEW)):
            body.append("\n".join(visible(line) for line in text.split("\n")), style)
        for line in body.split("\n", allow_blank=True):
            lines += self.wrapped(line, width) or [Text()]
        return lines

    def _call(self, call: dict[str, Any], width: int) -> list[Text]:
        name, held = called(call)
        arguments = str(held or "")
        head = Text.assemble(
            (f"call {call.get('index', '?')} ", DIM),
            (_one(name), TOOL + BOLD),
            (f"  {_one(call.get('id'))}", DIM),
        )
        added = self._added.get(f"call {call.get('index')}", "")
        shown = arguments[-_TAIL:]
        kept = shown[: len(shown) - len(added)] if added and shown.endswith(added) else shown
        body = Text.assemble((visible(kept), Style()), (visible(shown[len(kept) :]), _NEW))
        body.append(" ✓" if _is_json(arguments) else " …", GOOD if _is_json(arguments) else DIM)
        return [*self.wrapped(head, width, "  "), *self.wrapped(Text("  ") + body, width, "  ")]


def _one(value: Any) -> str:
    return "–" if value is None else visible(str(value), 80)


def _json(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False, default=repr), 600)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
