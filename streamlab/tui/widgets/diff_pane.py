"""One event beside what OpenAI would have sent, field by field: the reason, who breaks, and what mends it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from streamlab.clients.table import breaks, clients
from streamlab.comparing.event_outcomes import EventDiff, EventOutcome, FieldDiff, How, Output
from streamlab.report.text import mended_by
from streamlab.rules.finding import Finding
from streamlab.tui.palette import BAD, BOLD, DIM, DOUBTFUL, GOOD, GRAVE, PLAIN, badge, fit
from streamlab.tui.widgets.text_pane import TextPane
from streamlab.wire.visible import visible

_SIGNS = {
    How.SAME: ("=", DIM),
    How.CHANGED: ("~", DOUBTFUL),
    How.ADDED: ("+", GOOD),
    How.DROPPED: ("-", BAD),
    How.BROKEN: ("!", GRAVE),
}
_SAID = {
    EventOutcome.KEPT: "passes as it came, byte for byte",
    EventOutcome.CHANGED: "{vendor} would have sent it differently",
    EventOutcome.SPLIT: "{vendor} would have sent several events",
    EventOutcome.MERGED: "its content goes out with a later event",
    EventOutcome.DROPPED: "{vendor} would not have sent it",
    EventOutcome.ADDED: "an event is missing here",
}
#: Characters of a value that unfold.
_UNFOLDED = 2_000
_CLIENTS = 3


class DiffPane(TextPane):
    """What the cursor's event should have been."""

    HELP: ClassVar[str] = """\
Left what came, right what OpenAI (of Messages: Anthropic) would have sent, as `streamlab normalize` makes it.

~ changed   + missing here   - not sent by them   = the same   ! broken, and nothing mends it
▸ in front: what the finding is about. Values are JSON: 42 is a number, "42" a text.

copied    the value came like that
derived   every value in it came from the server or the request
invented  nobody said it: a generated id, a missing [DONE], an error event

Enter unfolds long values and names in full, and folds them again."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "unfold", "unfold long values", show=False)]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._diffs: tuple[EventDiff, ...] = ()
        self._same: tuple[FieldDiff, ...] = ()
        self._findings: tuple[Finding, ...] = ()
        self._note = ""
        self.unfolded = False
        self.vendor = "OpenAI"  # whose promises the exchange is held to

    def show(
        self, diffs: tuple[EventDiff, ...], same: tuple[FieldDiff, ...], findings: tuple[Finding, ...], note: str = ""
    ) -> None:
        """An event's comparison, and its findings, the chosen one first; ``same`` are the members of one that passes
        untouched, ``note`` says what is not known yet, and then nothing else is said."""
        before = self._diffs, self._same, self._findings, self._note
        self._diffs, self._same, self._findings, self._note = diffs, same, findings, note
        if before != (diffs, same, findings, note):
            self.update_lines()

    def action_unfold(self) -> None:
        """Long values in full, or in a line again."""
        self.unfolded = not self.unfolded
        self.update_lines(top=False)

    def lines(self, width: int) -> list[Text]:
        """See `TextPane`."""
        lines = []
        for number, finding in enumerate(self._findings):
            lines += self._reason(finding, width) if number == 0 else [self._reason_line(finding, width)]
        if self._findings:
            lines.append(Text())
        if self._note:
            return lines + self.wrapped(Text(self._note, DIM), width)
        for diff in self._diffs:
            lines += self._event(diff, width)
        if not any(diff.outcome is not EventOutcome.ADDED for diff in self._diffs) and self._same:
            lines.append(Text("= passes as it came, byte for byte", GOOD))
            for field in self._chosen_first(self._same):
                lines += self._field(field, width)
        return lines

    def _reason(self, finding: Finding, width: int) -> list[Text]:
        head = badge(finding)
        head.append(f" {finding.rule}", BOLD)
        if finding.known:
            head.append("  known of this dialect", DIM)
        lines = [head, *self.wrapped(Text("  " + fit_free(finding.message)), width, "  ")]
        if broken := breaking(finding):
            lines += self.wrapped(Text.assemble(("  breaks ", DIM), broken), width, "  ")[
                : None if self.unfolded else 3
            ]
        return lines + self.wrapped(Text.assemble(("  mend  ", DIM), mended_by(finding)), width, "  ")

    def _reason_line(self, finding: Finding, width: int) -> Text:
        line = badge(finding)
        line.append(f" {finding.rule}  ", PLAIN)
        line.append(fit(finding.message, max(0, width - line.cell_len)), DIM)
        return line

    def _event(self, diff: EventDiff, width: int) -> list[Text]:
        into = f" {diff.into}" if diff.into is not None else ""
        lines = [Text(_SAID[diff.outcome].format(vendor=self.vendor) + into, BOLD)]
        lines += [line for field in diff.broken for line in self._unrepaired(field, width)]
        for number, output in enumerate(diff.outputs, start=1):
            lines += self._output(output, number, len(diff.outputs), width)
        return [*lines, Text()]

    def _output(self, output: Output, number: int, count: int, width: int) -> list[Text]:
        path, here, there, _ = columns(width)
        lines = []
        if count > 1:
            lines.append(Text(f"event {number} of {count} · {output.origin}", DIM))
        head = f"   {fit('', path)} {fit('came', here)} {fit(self.vendor, there)}"
        lines.append(Text(head.rstrip(), Style(dim=True, underline=False)))
        differing = tuple(field for field in output.fields if field.how is not How.SAME)
        same = tuple(field for field in output.fields if field.how is How.SAME)
        for field in (*self._chosen_first(differing), *same):
            lines += self._field(field, width)
        return lines

    # -- one member

    def _is_chosen(self, field: FieldDiff) -> bool:
        """Whether it is what the first finding is about."""
        if not self._findings:
            return False
        first = self._findings[0]
        return field.rule == first.rule or (first.path is not None and field.path == first.path)

    def _chosen_first(self, fields: tuple[FieldDiff, ...]) -> list[FieldDiff]:
        return sorted(fields, key=lambda field: not self._is_chosen(field))

    def _field(self, field: FieldDiff, width: int) -> list[Text]:
        path, here, there, origin = columns(width)
        sign, style = _SIGNS[field.how]
        chosen = self._is_chosen(field)
        line = Text(no_wrap=True)
        line.append("▸" if chosen else " ", GRAVE if chosen else PLAIN)
        line.append(f"{sign} ", style)
        name = DIM if field.how is How.SAME else BOLD
        line.append(fit(_short(field.path, path), path) + " ", BOLD if chosen else name)
        came = "" if field.how is How.ADDED else json_value(field, field.here)
        sent = "" if field.how in (How.DROPPED, How.SAME) else json_value(field, field.there)
        line.append(fit(came, here) + " ", DIM if field.how is How.SAME else BAD)
        if field.how is not How.SAME:
            line.append(fit(sent or "(not sent)", there) + " ", GOOD if sent else DIM)
        if origin and field.how in (How.ADDED, How.CHANGED):
            line.append(fit(field.origin, origin), DIM if field.origin == "copied" else Style(italic=True))
        if not self.unfolded or max(len(came) - here, len(sent) - there, len(field.path) - path) <= 0:
            return [line]
        return [line, *self._unfolded(field, came, sent, width)]

    def _unfolded(self, field: FieldDiff, came: str, sent: str, width: int) -> list[Text]:
        """A member in full, below its line."""
        lines = self.wrapped(Text(f"     {fit_free(field.path)}", DIM), width, "     ")
        for title, text, style in (("came", came, BAD), (self.vendor, sent, GOOD)):
            if text:
                lines += self.wrapped(Text.assemble((f"     {title:<6} ", DIM), (text, style)), width, "            ")
        return lines

    def _unrepaired(self, field: FieldDiff, width: int) -> list[Text]:
        sign, style = _SIGNS[field.how]
        chosen = self._is_chosen(field)
        line = Text.assemble(("▸" if chosen else " ", GRAVE), (f"{sign} ", style))
        line.append(fit_free(field.path), BOLD).append(f"  {fit_free(field.why)}")
        return self.wrapped(line, width, "   ")


def columns(width: int) -> tuple[int, int, int, int]:
    """Widths of path, what came, what OpenAI sends, and the origin (0: no room)."""
    origin = 8 if width >= 64 else 0
    path = max(10, min(34, (width - origin) // 3))
    rest = width - 3 - path - 2 - (origin + 1 if origin else 0)
    return path, rest // 2, rest - rest // 2, origin


def json_value(field: FieldDiff, found: Any) -> str:
    """A value as JSON, so that 42 and "42" look different; traits of the framing are words."""
    if field.path.startswith("sse.") and isinstance(found, str):
        return visible(found, _UNFOLDED)
    try:
        text = json.dumps(found, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(found)
    return visible(text, _UNFOLDED)


def breaking(finding: Finding) -> str:
    """How most of those break who break, and who they are; then how many break otherwise. "" where nobody does."""
    found = breaks(finding.rule, finding.variants, finding.api, finding.strict)
    if not found:
        return ""
    how, count = Counter(one.what for one in found).most_common(1)[0]
    names = list(dict.fromkeys(clients()[one.client].name for one in found if one.what == how))
    more = f" and {len(names) - _CLIENTS} more" if len(names) > _CLIENTS else ""
    others = len({one.client for one in found}) - count
    rest = f"; {others} otherwise" if others > 0 else ""
    number = f"{count} clients, " if count > 1 else ""
    return visible(f"{number}{how}: {'; '.join(names[:_CLIENTS])}{more}{rest}", 400)


def _short(path: str, width: int) -> str:
    """The end of a path says more than its beginning."""
    return path if len(path) <= width else "…" + path[-(width - 1) :]


def fit_free(text: str) -> str:
    """Text made visible, however long."""
    return visible(text, 600)
